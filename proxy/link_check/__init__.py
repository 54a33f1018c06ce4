"""Every URL of a connector tried."""
