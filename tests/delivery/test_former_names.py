"""Former prettyIDs: whose they are, and how they are explained."""

from pathlib import Path

from proxy.sandbox.server import Sandbox
from tests.listed import listed
from tests.running import by_name, running

FILM = "b68d7e9f-7488-4ff1-bdfe-3af6768a631f"
NAME = "strada-sl-film"


async def test_the_latest_one_has_it_whatever_was_asked_before(
    thron: Sandbox, tmp_path: Path
) -> None:
    """A process that knew an older one gives the same as one that knew none."""
    other = thron.tenant.find("press-kit").id
    async with running(thron, tmp_path, by_name(thron), resolution_ttl_s=1e-6) as connector:
        await listed(connector)
        assert (await connector.get(f"/media/en/{NAME}")).status == 200
        for content_id, name in ((FILM, "renamed"), (other, NAME), (other, "renamed-too")):
            thron.tenant.rename(content_id, now=0.0, pretty_ids=(("EN", name),))
            await listed(connector)
        after = await connector.get(f"/media/en/{NAME}")
    async with running(thron, tmp_path) as connector:
        anew = await connector.get(f"/media/en/{NAME}")
    assert "/media/en/renamed-too" in anew.fields["Link"]
    assert after.fields["Link"].rpartition("/")[2] == anew.fields["Link"].rpartition("/")[2]


async def test_it_is_explained_as_what_it_is(thron: Sandbox, tmp_path: Path) -> None:
    """A URL that works is explained as one that works."""
    async with running(thron, tmp_path, by_name(thron)) as connector:
        await listed(connector)
        thron.tenant.rename(FILM, now=0.0, pretty_ids=(("EN", "renamed"),))
        await listed(connector)
        assert (await connector.get(f"/media/en/{NAME}")).status == 200
        explained = connector.tenant.explainer.explain(
            f"/media/en/{NAME}", connector.gateway.watch.connectors
        )
        steps = [step async for step in explained]
    assert [(step.title, step.is_ok) for step in steps] == [
        ("address", True),
        ("content", True),
        ("delivery", True),
        ("origin", True),
    ]
    assert "former prettyID" in steps[1].detail
