"""Look-ups over HTTP."""
