"""Pumps that cost less than reading and writing each piece, where both sides allow them."""
