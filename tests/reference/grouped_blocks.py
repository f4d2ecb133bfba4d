"""A folder of grouped blocks from a scipy matrix, as a cluster's first steps would leave it."""

from benchmarks._grouped_blocks import write_blocks

__all__ = ["write_blocks"]
