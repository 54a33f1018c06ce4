"""Encryption of what is secret in the database."""

from proxy.catalogue.encryption import Encryption, is_encrypted

OLD, NEW = "o" * 32, "n" * 32


def test_round_trip() -> None:
    """What is encrypted comes back, and its ciphertext tells nothing of it, nor twice the same."""
    encryption = Encryption((OLD,))
    first, second = encryption.encrypt("app-key-ü"), encryption.encrypt("app-key-ü")
    assert encryption.decrypt(first) == encryption.decrypt(second) == "app-key-ü"
    assert first != second
    assert is_encrypted(first)
    assert not is_encrypted("app-key")
    assert "app-key" not in first


def test_keys_are_replaced_one_after_the_other() -> None:
    """A new key in front encrypts, and the old one behind goes on opening what there is."""
    old, both, new = Encryption((OLD,)), Encryption((NEW, OLD)), Encryption((NEW,))
    assert both.decrypt(old.encrypt("x")) == "x"
    assert new.decrypt(both.encrypt("x")) == "x"


def test_a_lost_key_opens_nothing() -> None:
    """With another key there is nothing, and no error."""
    assert Encryption((NEW,)).decrypt(Encryption((OLD,)).encrypt("x")) is None
    assert Encryption((NEW,)).decrypt("fernet:damaged") is None
