"""Rows and tables under contract."""
