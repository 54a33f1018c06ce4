"""If-Match on what is changed: RFC 9110, 13.1.1."""

import orjson
import pytest
from multidict import CIMultiDict

from proxy.admin.api.preconditions import FIELD, IfMatch
from proxy.admin.api.problems import ApiProblem
from tests.admin.visitor import Page, Visitor
from tests.listed import listed
from tests.running import Running

PATH = "/api/connectors/files"


@pytest.mark.parametrize(
    ("value", "is_met"),
    [
        pytest.param(None, True, id="not sent"),
        pytest.param('"one"', True, id="this version"),
        pytest.param("*", True, id="any version"),
        pytest.param('"other", "one"', True, id="one of several"),
        pytest.param('"other"', False, id="another version"),
        pytest.param('W/"one"', False, id="weak: it is compared strongly"),
    ],
)
def test_require(value: str | None, *, is_met: bool) -> None:
    """A change goes ahead for the version that it names, and without a name."""
    fields = CIMultiDict[str]({} if value is None else {FIELD: value})
    precondition = IfMatch.read(fields)
    if is_met:
        precondition.require('"one"')
        return
    with pytest.raises(ApiProblem) as caught:
        precondition.require('"one"')
    assert (caught.value.status, caught.value.fields["ETag"]) == (412, '"one"')


def test_what_cannot_be_read_is_refused() -> None:
    """A field without an entity tag is a 400: a change must not go ahead by a slip of the pen."""
    with pytest.raises(ApiProblem) as caught:
        IfMatch.read(CIMultiDict({FIELD: "one"}))
    assert caught.value.status == 400


async def call(admin: Visitor, method: str, content: str, *, tag: str | None = None) -> Page:
    fields = {"Content-Type": "application/json", "X-CSRF-Token": admin.csrf}
    fields |= {FIELD: tag} if tag is not None else {}
    return await admin.ask(method, PATH, fields=fields, data=content.encode() or None)


def body(shown: Page, robots: str) -> str:
    document = {"connector": {**shown.json["connector"], "robots": robots}}
    return orjson.dumps(document).decode()


async def test_a_connector_is_changed_once(connector: Running, admin: Visitor) -> None:
    """Of two who have read the same version one is answered 412, and nothing of his is saved."""
    shown = await admin.get(PATH)
    tag = shown.fields["ETag"]
    first = await call(admin, "PUT", body(shown, "noindex"), tag=tag)
    assert (first.status, first.fields["ETag"] != tag) == (200, True)
    second = await call(admin, "PUT", body(shown, "nofollow"), tag=tag)
    assert (second.status, second.fields["ETag"]) == (412, first.fields["ETag"])
    assert (await admin.get(PATH)).json["connector"]["robots"] == "noindex"
    assert (await call(admin, "DELETE", "", tag=tag)).status == 412
    assert (await call(admin, "PUT", body(shown, "nofollow"), tag=None)).status == 200
    again = await admin.get(PATH)
    assert (await call(admin, "DELETE", "", tag=again.fields["ETag"])).status == 204
    assert connector.gateway.watch.connectors.of_slug("files") is None


async def test_a_sync_fails_nobody(connector: Running, admin: Visitor) -> None:
    """What a sync finds leaves the tag as it is, so that a change meant for it goes ahead."""
    before = await admin.get(PATH)
    await listed(connector, "files")
    after = await admin.get(PATH)
    assert before.json["contents"] != after.json["contents"]
    assert before.fields["ETag"] == after.fields["ETag"]
