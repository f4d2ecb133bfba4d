"""The Prefect flows and the command line: they only say which step follows which."""
