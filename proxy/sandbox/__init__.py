"""A THRON tenant on loopback with real media; imports nothing of the rest."""
