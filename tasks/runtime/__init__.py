"""What every step stands on: the artifact store, its home, DuckDB, progress."""
