"""The link check's page."""

import re

import pytest

from tests.admin.visitor import Visitor
from tests.listed import listed
from tests.running import Running, by_sku
from tests.waiting import until

PATH = "/connectors/products/links"


@pytest.fixture
async def filled(connector: Running) -> Running:
    """Fill the catalogue of ``products``."""
    await listed(connector, "products")
    return connector


async def _checked(admin: Visitor) -> None:
    """Wait until the run is over."""

    async def is_over() -> bool:
        return "data-live" not in (await admin.get(PATH)).text

    await until(is_over)


async def test_run(filled: Running, admin: Visitor) -> None:
    """A run is begun, followed and told of, with its problems first."""
    assert "Not tried yet" in (await admin.get(PATH)).words
    answer = await admin.send(f"{PATH}/check", scope="all")
    assert (answer.status, answer.fields["Location"]) == (303, PATH)
    running = await admin.get(PATH)
    assert "<progress" in running.text
    assert "Stop" in running.words
    await _checked(admin)
    page = await admin.get(PATH)
    assert "Done" in page.words
    assert "Dealer terms" in page.words  # the one that THRON refuses
    assert 'aria-current="true">With a problem' in page.text
    working = await admin.get(f"{PATH}?show=working&q=VA-LOGO")
    assert "image/png" in working.words
    assert filled.gateway.admission.running == 0


async def test_a_problem_in_the_reader_s_language(filled: Running, admin: Visitor) -> None:  # noqa: ARG001 - filled first
    """The page says it in Italian, and the API in English."""
    await admin.get(PATH)
    await admin.send(f"{PATH}/check", scope="all")
    await _checked(admin)
    told = (await admin.call("GET", "/api/connectors/products/link-check/urls")).json
    assert "give the Custom Application the share right" in told["items"][0]["problem"]
    page = await admin.get(PATH, Accept_Language="it")
    assert "condivisione" in page.words
    assert "give the Custom" not in page.words


async def test_stop(filled: Running, admin: Visitor) -> None:  # noqa: ARG001 - filled first
    """A run is stopped."""
    await admin.get(PATH)
    await admin.send(f"{PATH}/check", scope="all")
    await admin.send(f"{PATH}/stop")
    await _checked(admin)
    page = await admin.get(PATH)
    assert "Stopped" in page.words
    assert "Not tried yet" in page.words


async def test_twice(filled: Running, admin: Visitor) -> None:  # noqa: ARG001 - filled first
    """A button pressed twice begins one run."""
    await admin.get(PATH)
    for _ in range(2):
        assert (await admin.send(f"{PATH}/check", scope="all")).status == 303
    await admin.send(f"{PATH}/stop")
    await _checked(admin)


async def test_retry(filled: Running, admin: Visitor) -> None:  # noqa: ARG001 - filled first
    """One URL is tried by itself, and the page comes back as it was."""
    page = await admin.get(f"{PATH}?show=untried&q=VA-LOGO")
    line = re.findall(r'name="line" value="(\d+)"', page.text)[0]
    answer = await admin.send(f"{PATH}/retry", line=line, back=f"{PATH}?show=untried")
    assert answer.fields["Location"] == f"{PATH}?show=untried"
    assert "image/" in (await admin.get(f"{PATH}?show=working")).words
    elsewhere = await admin.send(f"{PATH}/retry", line=line, back="//evil.example/")
    assert elsewhere.fields["Location"] == "/"
    assert (await admin.send(f"{PATH}/retry", line="x")).status == 400


async def test_survives_a_restart(filled: Running, admin: Visitor) -> None:
    """What was found is in the database, and on a content's page too."""
    page = await admin.get(f"{PATH}?show=untried&q=VA-TERMS")
    (line,) = re.findall(r'name="line" value="(\d+)"', page.text)
    await admin.send(f"{PATH}/retry", line=line)
    content = filled.thron.tenant.find("dealer-terms")
    shown = await admin.get(f"/connectors/products/contents/{content.id}")
    assert "does not work: 404" in shown.words
    table = await admin.get("/connectors/products")
    assert re.search(r'Link check <b class="count bad">1</b>', table.text)


async def test_disabled(filled: Running, admin: Visitor) -> None:
    """A disabled connector is not checked."""
    await filled.apply(by_sku(filled.thron, enabled=False))
    page = await admin.get(PATH)
    assert "Check all" not in page.words
    await admin.send(f"{PATH}/check", scope="all")
    assert "<progress" not in (await admin.get(PATH)).text


async def test_nothing_yet(admin: Visitor) -> None:
    """Before the folder was read there is nothing to check."""
    assert "No URLs yet" in (await admin.get(PATH)).words
