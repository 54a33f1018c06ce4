"""Tests of the composition root: the connector as it runs."""
