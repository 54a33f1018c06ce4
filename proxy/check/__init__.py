"""Whether the connector can do its work, told step by step, and reported to whoever helps."""
