"""What is kept of a secret that browsers and machines bring."""

import hashlib


def secret_hash(secret: str) -> str:
    """Return the hash by which a secret is found again; it opens nothing.

    A fast one will do: the secrets are random and long, so nobody guesses them one by one.
    """
    return hashlib.sha256(secret.encode()).hexdigest()
