"""The set-up console and its JSON API, on the admin listener."""
