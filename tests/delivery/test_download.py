"""One download, from a public address to the bytes."""

from tests.running import Running


async def test_three_kinds_of_address_give_the_same_bytes(connector: Running) -> None:
    """Content ID, prettyID and metadata lead to one content, byte for byte the source file."""
    content = connector.thron.tenant.find("strada-sl-film")
    source = connector.thron.tenant.bytes_of(content.id)
    for path in (
        f"/files/{content.id}",
        "/media/EN/strada-sl-film/x.mp4",
        "/products/VA-1001-FILM",
    ):
        answer = await connector.get(path)
        assert (answer.status, answer.body == source) == (200, True), path
