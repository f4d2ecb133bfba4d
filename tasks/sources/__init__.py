"""Where logs come from: files, folders, databases, the built-in sample."""
