"""Every unknown of THRON's API either way: the same is read of it."""

from dataclasses import dataclass, replace
from typing import Any

import aiohttp
import pytest

from proxy.connectors.folders import Folders
from proxy.sandbox.server import Sandbox, Switches
from proxy.thron import messages
from proxy.thron.client import Client
from proxy.thron.content import Content, ContentType, Publication, is_streaming, publication
from proxy.thron.folder import category, classifications, metadata_definitions
from proxy.thron.messages import SearchCriteria
from proxy.thron.search import Search
from proxy.thron.session import Credentials
from proxy.thron.token_keeper import TokenKeeper

# The switches of delivery change nothing of what the API answers; a name left out is no other way
# of saying the same.
_OF_DELIVERY = (
    "file_names_",
    "redirect_",
    "static_",
    "source_",
    "storage_",
    "delivery_",
    "old_static_",
)

FLIPS = [
    pytest.param(Switches(**{name: value}), id=f"{name}={value}")
    for name, value in Switches.flips()
    if not name.startswith(_OF_DELIVERY)
]


@dataclass(frozen=True)
class Seen:
    """What the questions of this wing gave, without what THRON may say in several ways."""

    contents: frozenset[tuple[Any, ...]]
    folder: str
    folders: frozenset[str]
    definitions: frozenset[tuple[str, str]]
    source: messages.SourceFile | None
    nothing: tuple[Any, ...]


def essence(content: Content) -> tuple[Any, ...]:
    """Return what makes an address, a name and a choice of channel."""
    found = publication(content.status, content.channels)
    return (
        content.id,
        content.content_type,
        content.creation_date,
        content.file_name,
        # In streaming channels alone it has no rendition, and only the word says that it is out.
        found is Publication.PUBLISHED and not all(map(is_streaming, content.channels)),
        frozenset((title.language.upper(), title.text) for title in content.titles),
        frozenset((each.language.upper()[:2], each.value) for each in content.pretty_ids),
        frozenset((each.key, each.value, each.classification_id) for each in content.metadata),
    )


async def look_around(keeper: TokenKeeper, thron: Sandbox) -> Seen:
    """Ask one question of each kind."""
    search = Search(keeper, client_id=thron.client_id)
    everything = SearchCriteria(
        folder_id=thron.root_folder_id, content_types=frozenset(ContentType)
    )
    contents = {
        content.id: content async for page in search.pages(everything) for content in page.contents
    }
    first = min(contents)
    pretty = next(each.pretty_ids[0].value for each in contents.values() if each.pretty_ids)
    tenant, root = thron.client_id, thron.root_folder_id
    (found,) = await keeper.ask(messages.find_by_pretty_id(tenant, pretty))
    assert essence(found)[:4] == essence(contents[found.id])[:4]
    root_folder = await keeper.ask(category(tenant, root))
    assert root_folder is not None
    definitions = [
        (definition.key, definition.metadata_type)
        for group in (await keeper.ask(classifications(tenant))).items
        for definition in (await keeper.ask(metadata_definitions(tenant, group.id))).items
    ]
    tree = await Folders(now=lambda: 0.0).tree(keeper, client_id=tenant)
    missing = "00000000-0000-0000-0000-000000000000"
    return Seen(
        contents=frozenset(map(essence, contents.values())),
        folder=root_folder.id,
        folders=frozenset(folder.id for _, folder in tree.each()),
        definitions=frozenset(definitions),
        source=await keeper.ask(messages.detail_source(tenant, first)),
        nothing=(
            await keeper.ask(messages.detail_source(tenant, missing)),
            await keeper.ask(category(tenant, missing)),
            [
                each.id
                async for page in search.pages(SearchCriteria(ids=(first, missing)))
                for each in page.contents
                if each.id != first
            ],
        ),
    )


async def seen_with(switches: Switches) -> Seen:
    """Return what is seen of a THRON with these switches."""
    seconds = [0.0]
    async with Sandbox(switches=switches) as thron, aiohttp.ClientSession() as http:
        client = Client(http, api_url=thron.api_url)
        mine = Credentials(thron.client_id, thron.app_id, thron.app_key)
        keeper = TokenKeeper(client, mine, now=lambda: seconds[0], random=lambda: 0.0)
        async with keeper:
            seen = await look_around(keeper, thron)
            thron.expire_tokens()
            seconds[0] += 120.0  # the session is doubted once a minute
            assert await look_around(keeper, thron) == seen
            return seen


@pytest.mark.parametrize(
    "switches",
    [
        *FLIPS,
        pytest.param(
            replace(Switches.all_flipped(), file_names_sent=True),
            id="all of them",
        ),
    ],
)
async def test_each_reading(switches: Switches) -> None:
    """With any unknown the other way, the same contents, folders and definitions are seen."""
    usual = await seen_with(Switches())
    assert usual.contents
    assert usual.folders
    assert usual.definitions
    assert usual.source is not None
    assert usual.nothing == (None, None, [])
    assert await seen_with(switches) == usual
