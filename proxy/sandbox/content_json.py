"""A content as each service prints it (docs/thron.md 3.1 to 3.4)."""

from collections.abc import Iterable, Mapping
from typing import Any

from proxy.sandbox.content import PUBLISHED, SimulatedContent, Version, derived_status
from proxy.sandbox.envelope import date
from proxy.sandbox.switches import Switches
from proxy.sandbox.world import World

_REGIONS = {"EN": "US"}


def search_item(
    content: SimulatedContent, world: World, *, asked_for: Iterable[str], thumbs: Iterable[str]
) -> dict[str, Any]:
    """Return an item of content/search: details hold only the fields asked for."""
    details = _details(content, world)
    return {
        "id": content.id,
        "contentType": content.content_type,
        "creationDate": date(content.creation_date),
        "details": {name: details[name] for name in asked_for if name in details} or None,
        "thumbs": [{"id": name, "url": thumb_url(content, world)} for name in thumbs] or None,
    }


def record(
    content: SimulatedContent, world: World, *, with_imetadata: bool, service: str = ""
) -> dict[str, Any]:
    """Return the complete record, MContent."""
    switches = world.switches
    return {
        "id": content.id,
        "contentType": content.content_type,
        "creationDate": date(content.creation_date),
        "lastUpdate": date(content.last_update),
        "version": content.record_version,
        "owner": "sandbox.owner",
        "locales": _locales(content, switches, service=service),
        "prettyIds": _pretty_ids(content, switches),
        "externalIds": _external_ids(content),
        "metadatas": _legacy_metadatas(content, switches),
        "imetadata": _imetadata(content, world) if with_imetadata else None,
        "properties": [],
        "weebo": _weebo(content, switches),
    }


def wall(content: SimulatedContent, world: World) -> dict[str, Any]:
    """Return the detail for display, MContentWall."""
    channels = channels_of(content, world.switches)
    cdn = _protocol_relative(world.cdn_url)
    return {
        **record(content, world, with_imetadata=True, service="detail"),
        "deliveryInfo": [
            {"channelType": channel, "defaultThumbUrl": thumb_url(content, world)}
            for channel in channels
        ],
        "deliverySize": {"aspectRatio": "16:9"},
        "dynThumbService": f"{cdn}/delivery/public/thumbnail",
        "subtitlesUrls": [],
    }


def version_item(version: Version) -> dict[str, Any]:
    """Return a file version, MVersion."""
    created = date(version.created)
    by = {"id": "sandbox.owner", "displayName": "Sandbox Owner"}
    return {
        "id": version.id,
        "active": True,
        "createdDate": created,
        "createdBy": by,
        "modifiedDate": created,
        "modifiedBy": by,
        "ref": {
            "id": f"ref-{version.id}",
            "name": version.file_name,
            "mimetype": version.media_type,
            "size": version.source.length,
            "creationDate": created,
            "metadata": [],
        },
    }


def version_summary(version: Version) -> dict[str, Any]:
    """Return a file version as the sync services give it, MVersionSummary."""
    created = date(version.created)
    return {"id": version.id, "createdDate": created, "modifiedDate": created}


def channels_of(content: SimulatedContent, switches: Switches) -> tuple[str, ...]:
    """Return the channels in which a content is said to be available."""
    if not content.is_out:
        return ()
    if content.content_type == "IMAGE":
        # Images are addressed by a preset; how the channel is called that they have is unknown.
        return switches.image_channels
    return content.channels


def status_of(content: SimulatedContent, switches: Switches) -> str:
    """Return the word for a content, where one more channel may not be finished."""
    if switches.unfinished_channel is None or not content.is_out:
        return content.status
    return derived_status([PUBLISHED, *dict(_unfinished(content, switches)).values()])


def _unfinished(content: SimulatedContent, switches: Switches) -> tuple[tuple[str, str], ...]:
    if switches.unfinished_channel is None or not content.is_out:
        return content.unfinished
    return (*content.unfinished, ("WEB4K", switches.unfinished_channel))


def thumb_url(content: SimulatedContent, world: World) -> str:
    """Return the address of a thumbnail, without its scheme as THRON gives it."""
    base = _protocol_relative(world.cdn_url)
    pkey = world.tenant.app.pkey or "nokey"
    client_id = world.tenant.client_id
    path = f"/delivery/public/thumbnail/{client_id}/{content.id}/{pkey}/std/150x150/thumb.jpg"
    return f"{base}{path}?v={content.record_version}"


def linked_categories(content: SimulatedContent, world: World) -> list[str]:
    """Return the ids of a content's folders, with those above them if the switch says so."""
    tenant = world.tenant
    ids = dict.fromkeys(content.folder_ids)
    if world.switches.category_ids_with_ancestors:
        for folder_id in content.folder_ids:
            ids.update(dict.fromkeys(tenant.ancestors(folder_id)))
    return list(ids)


def _details(content: SimulatedContent, world: World) -> Mapping[str, Any]:
    switches = world.switches
    version = content.version
    return {
        "aclInfo": {"rules": ["SEE", "SHARE"] if world.tenant.app.may_share else ["SEE"]},
        "author": "Sandbox Owner",
        "availableChannels": list(channels_of(content, switches)),
        "externalIds": _external_ids(content),
        "imetadata": _imetadata(content, world),
        "itags": [],
        "lastUpdate": date(content.last_update),
        "linkedCategoryIds": linked_categories(content, world),
        "linkedContent": [],
        "locales": _locales(content, switches),
        "owner": {"username": "sandbox.owner", "ownerFullName": "Sandbox Owner"},
        "prettyIds": _pretty_ids(content, switches),
        "properties": [],
        "publishingStatus": status_of(content, switches),
        "source": {
            "fileName": version.file_name if switches.file_names_sent else None,
            "extension": version.extension or None,
        },
    }


def _locale(language: str | None, switches: Switches) -> str | None:
    return language.lower() if language and switches.lower_case_locales else language


def _with_region(language: str, switches: Switches) -> str:
    if not switches.pretty_id_with_region or "_" in language:
        return language
    return f"{language.lower()}_{_REGIONS.get(language, language)}"


def _locales(
    content: SimulatedContent, switches: Switches, *, service: str = ""
) -> list[dict[str, Any]]:
    key = switches.locale_key
    if key == "as seen":
        # content/detail is read with "lang", the others with "locale" (docs/thron.md 3.1).
        key = "lang" if service == "detail" else "locale"
    return [
        {
            key: _locale(language, switches),
            "name": name,
            "description": content.descriptions.get(language),
        }
        for language, name in content.titles.items()
    ]


def _pretty_ids(content: SimulatedContent, switches: Switches) -> list[dict[str, Any]]:
    key = "lang" if switches.locale_key == "lang" else "locale"
    return [
        {"id": value, key: _locale(_with_region(language, switches), switches)}
        for language, value in content.pretty_ids
    ]


def _external_ids(content: SimulatedContent) -> list[dict[str, Any]]:
    return [{"key": key, "value": value} for key, value in content.external_ids]


def _imetadata(content: SimulatedContent, world: World) -> list[dict[str, Any]]:
    ids = {
        (d.classification_id or "", d.key): (d.id, d.metadata_type)
        for d in world.tenant.library.definitions
    }
    return [
        {
            "classificationId": classification or None,
            "key": key,
            "lang": _metadata_language(
                language, ids.get((classification, key), ("", ""))[1], world.switches
            ),
            "metadataDefinitionId": ids.get((classification, key), (None, ""))[0],
            "value": value,
        }
        for classification, key, language, value in content.imetadata
    ]


def _metadata_language(language: str | None, metadata_type: str, switches: Switches) -> str | None:
    if language is None and metadata_type == "KEY" and switches.key_metadata_has_lang:
        language = "EN"
    return _locale(language, switches)


def _legacy_metadatas(content: SimulatedContent, switches: Switches) -> list[dict[str, Any]]:
    held = [
        {"name": name, "value": value, "locale": _locale(language, switches)}
        for name, language, value in content.legacy_metadatas
    ]
    return [*held, {"name": "_SOURCE_MIMETYPE_", "value": content.version.media_type}]


def _weebo(content: SimulatedContent, switches: Switches) -> dict[str, Any]:
    return {
        "status": status_of(content, switches),
        "publishedDate": date(content.last_update) if content.is_out else None,
        "totalVersions": len(content.versions),
        "weeboChannels": [
            {"channelType": channel, "status": state}
            for channel, state in (
                *((channel, PUBLISHED) for channel in channels_of(content, switches)),
                *_unfinished(content, switches),
            )
        ],
    }


def _protocol_relative(url: str) -> str:
    return url.removeprefix("https:").removeprefix("http:")
