"""Draft a dataset file from a log."""
