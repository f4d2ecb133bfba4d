"""Publications: immutable folders, a pointer to the live one, and their copies in files and databases."""
