"""Steps that the workers of a Dask cluster do: they exchange paths and hashes, never data."""
