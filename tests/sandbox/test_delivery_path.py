"""The grammar of delivery/public addresses (docs/thron.md 7.1)."""

import pytest

from proxy.sandbox.delivery_path import DeliveryPath, parse


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param(
            "/delivery/public/document/acme/id/pk/WEB/doc.pdf",
            DeliveryPath("document", "acme", "id", "pk", "WEB", "", "doc.pdf"),
            id="document",
        ),
        pytest.param(
            "/delivery/public/image/acme/id/pk/std/0x0/p.jpg/",
            DeliveryPath("image", "acme", "id", "pk", "std", "0x0", "p.jpg"),
            id="image with a slash at the end",
        ),
        pytest.param(
            "/delivery/public/url/acme/id/pk/x",
            DeliveryPath("url", "acme", "id", "pk", "", "", "x"),
            id="url",
        ),
        pytest.param(
            "/delivery/public/document/acme/a%2Fb/pk/WEB/%C3%A8.pdf",
            DeliveryPath("document", "acme", "a/b", "pk", "WEB", "", "è.pdf"),
            id="encoded",
        ),
        pytest.param("/delivery/public/document/acme/id/pk/WEB", None, id="no name"),
        pytest.param("/delivery/public/document/acme//pk/WEB/x", None, id="empty segment"),
        pytest.param("/delivery/public/image/acme/id/pk/std/0/x", None, id="no divArea"),
        pytest.param("/delivery/public/film/acme/id/pk/WEB/x", None, id="unknown kind"),
        pytest.param("/delivery/private/image/acme/id/pk/std/0x0/x", None, id="not public"),
        pytest.param("/delivery/public", None, id="nothing"),
    ],
)
def test_parse(path: str, expected: DeliveryPath | None) -> None:
    """An address is read into its parts, or is malformed."""
    assert parse(path) == expected
