"""Read what is published."""
