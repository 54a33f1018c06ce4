"""How octets cross from an origin to a client: three ways, one count."""
