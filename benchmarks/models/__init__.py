"""Every model next to its published figure, case by case: ``python -m benchmarks.models [--json] [NAMES]``.

A case is one module of this folder with ``TITLE`` and ``measure(data, seed)``.
"""
