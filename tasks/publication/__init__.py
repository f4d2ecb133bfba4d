"""Immutable publications, one pointer to what is live, and copies for others."""
