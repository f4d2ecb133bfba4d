"""The same run on a Dask cluster: paths and hashes go through the scheduler, never data."""
