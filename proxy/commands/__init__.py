"""The commands of thron-connector, each imported when it is asked for."""
