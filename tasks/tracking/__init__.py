"""Figures of runs for a tracking server."""
