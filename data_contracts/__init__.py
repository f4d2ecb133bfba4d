"""What the steps hand to each other: names, tables, value objects. Imports nothing of ours."""
