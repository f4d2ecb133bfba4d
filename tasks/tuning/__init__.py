"""Search better parameters on windows before the hold-out."""
