"""Logs, metrics and the access record."""
