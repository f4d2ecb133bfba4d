"""Read what is published: ``from tasks.lookup import open_publication``."""

from tasks.lookup.opened import OpenPublication, open_publication

__all__ = ["OpenPublication", "open_publication"]
