"""Whether the connector can do its work: the steps of ``check``, and the report of them."""
