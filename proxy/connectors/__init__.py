"""What a connector is, says and changes."""
