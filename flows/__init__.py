"""Wiring only: which step follows which."""
