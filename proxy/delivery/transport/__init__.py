"""An HTTP/1.1 client for the bytes: one connection, one message at a time, nothing edited."""
