"""Tokens through the API: for people to make, for machines to see."""

from tests.admin.visitor import Visitor


async def test_life_of_a_token(admin: Visitor, nobody: Visitor) -> None:
    """A token is made, told once, used, listed and revoked."""
    made = await admin.call("POST", "/api/tokens", {"name": "monitoring", "can_change": True})
    assert made.status == 201
    secret, number = made.json["secret"], made.json["token"]["id"]
    listed = await nobody.call("GET", "/api/tokens", token=secret)
    assert [each["name"] for each in listed.json["items"]] == ["monitoring"]
    assert secret not in listed.text
    assert (await admin.call("DELETE", f"/api/tokens/{number}")).status == 204
    assert (await admin.call("DELETE", f"/api/tokens/{number}")).status == 404
    assert (await nobody.call("GET", "/api/tokens", token=secret)).status == 401


async def test_a_name_twice(admin: Visitor) -> None:
    """A name that is taken is a conflict."""
    await admin.call("POST", "/api/tokens", {"name": "a"})
    page = await admin.call("POST", "/api/tokens", {"name": "a"})
    assert (page.status, "'a'" in page.json["detail"]) == (409, True)


async def test_no_such_token(admin: Visitor) -> None:
    """What is no token's number is not found."""
    for number in ("7", "x", "-1", "9" * 40, "%C2%B2"):
        assert (await admin.call("DELETE", f"/api/tokens/{number}")).status == 404
