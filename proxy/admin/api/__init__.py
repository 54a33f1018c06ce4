"""The JSON API's resources, a module each."""
