"""Exchanges as values: secrets stay out of their repr."""

from proxy.thron.exchange import Reply, Request


def test_repr_holds_no_secret() -> None:
    """Neither a form nor an answer's body shows in a repr."""
    request = Request("POST", "/api", form=(("appKey", "k3y"),))
    reply = Reply(200, "application/json", b'{"appUserTokenId":"t0ken"}')
    assert "k3y" not in repr(request)
    assert "t0ken" not in repr(reply)
