"""Everything that knows THRON's API."""
