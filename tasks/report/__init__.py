"""The report of a run: its summary, its page and its figures."""
