"""What may be served: connectors and contents."""
