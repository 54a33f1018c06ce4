"""The path of one download."""
