"""Lists for every user and every item."""
