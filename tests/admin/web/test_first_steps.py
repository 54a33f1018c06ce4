"""The end of a new installation's check-list."""

from tests.admin.visitor import Visitor


async def test_the_list_can_be_hidden(admin: Visitor) -> None:
    """Its button ends it for good and leads back, and never to another site."""
    assert "First steps step 3 of 4" in (await admin.get("/access", Accept="text/html")).words
    for back, leads_to in (("/access", "/access"), ("//elsewhere.example", "/")):
        ended = await admin.send("/first-steps/end", back=back)
        assert (ended.status, ended.fields["Location"]) == (303, leads_to)
    assert "First steps" not in (await admin.get("/access", Accept="text/html")).words
