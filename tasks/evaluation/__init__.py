"""Score models on the hold-out, choose one, decide whether it may go live."""
