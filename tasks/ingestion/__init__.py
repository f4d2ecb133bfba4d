"""One pass over the log: read, normalize, judge, quarantine, write events."""
