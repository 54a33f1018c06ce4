"""The public and the admin listener: sockets, connections, probes."""
