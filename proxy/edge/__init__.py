"""Caches and CDNs in front: what they are told when something changes."""
