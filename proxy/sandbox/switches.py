"""What nobody outside knows about THRON, each unknown as a switch.

The default of each switch is the likeliest reading of docs/thron.md; ``flipped`` in a field's
metadata lists the other readings that a client has to live with, ``source`` the section that
leaves the matter open. A default never contradicts what is established there.
"""

# ruff: noqa: FBT003, RUF009 - a switch's readings stand side by side, as a table

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any, Literal

Refusal = Literal[
    "403 text",
    "401 text",
    "403 envelope",
    "418 envelope",
    "200 envelope",
    "200 html",
    "404 text",
    "400 text",
    "500 text",
    "302 redirect",
]
Absence = Literal["nothing", "400 text", "403 text"]
Validator = Literal["strong", "weak", "none", "changing"]


def _either(default: Any, *flipped: Any, source: str) -> Any:
    return field(default=default, metadata={"flipped": flipped, "source": source})


@dataclass(slots=True, kw_only=True)
class Switches:
    """The readings that the sandbox follows; may be changed while it runs.

    Times are in seconds, ages and lives counted from the change they follow.
    """

    # Session (docs/thron.md 2; 11, rows 1 to 3)
    token_life_s: float = _either(3600.0, source="2.2")
    token_slides: bool = _either(True, False, source="2.2")
    token_max_age_s: float | None = _either(None, source="2.2")
    login_revokes_earlier: bool = _either(False, True, source="2.2")
    app_token_sees: bool = _either(True, source="2.4")
    su_app_key: Literal["app key", "token"] = _either("app key", "token", source="2.4")
    validate_renews: bool = _either(True, False, source="2.3")
    validate_lies: bool = _either(False, True, source="2.3")
    expired_as: Refusal = _either(
        "403 text",
        "418 envelope",
        "403 envelope",
        "200 envelope",
        "401 text",
        "400 text",
        "500 text",
        "302 redirect",
        source="11, row 1",
    )
    denied_as: Refusal = _either(
        "403 text", "418 envelope", "403 envelope", "200 envelope", source="1.4"
    )
    login_refused_status: int = _either(418, 200, 403, 404, source="2.1")
    unknown_client_as_html: bool = _either(False, True, source="2.1")

    # Shape of answers (docs/thron.md 1.2; 11, row 4)
    sso_code_sent: bool = _either(True, False, source="1.4")
    nulls_sent: bool = _either(False, True, source="11, row 4")
    empty_lists_sent: bool = _either(True, False, source="1.2")
    single_for_list: bool = _either(False, True, source="11, row 4")
    unknown_fields_sent: bool = _either(False, True, source="11, row 4")
    file_names_sent: bool = _either(True, False, source="3.1")
    locale_key: Literal["as seen", "locale", "lang"] = _either(
        "as seen", "locale", "lang", source="3.1"
    )
    lower_case_locales: bool = _either(False, True, source="3.1")
    key_metadata_has_lang: bool = _either(False, True, source="4.2")
    not_found_as: Refusal = _either("418 envelope", "404 text", source="1.4")

    # Listing (docs/thron.md 4; 11, rows 5 to 7, 10, 15)
    search_page_maximum: int = _either(100, 10, source="4.2")
    search_largest_asked: int = _either(100, 50, source="4.2")
    search_orders: tuple[str, ...] = _either(("sort", "orderBy"), ("orderBy",), (), source="4.2")
    search_details_refused: tuple[str, ...] = _either(
        (), ("publishingStatus",), ("publishingStatus", "lastUpdate"), source="4.2"
    )
    search_most_ids: int = _either(1000, 10, source="4.2")
    search_unknown_ids_refused: bool = _either(False, True, source="4.2")
    exception_ids: tuple[str, ...] = _either((), source="1.5")
    unknown_value_as: Absence = _either("nothing", "400 text", "403 text", source="4.2")
    search_total_error: float = _either(0.1, -1.0, source="4.2")
    search_pages_shift: bool = _either(False, True, source="4.2")
    search_token_repeats: bool = _either(False, True, source="11, row 5")
    search_last_token_empty: bool = _either(False, True, source="4.2")
    search_token_life_s: float = _either(600.0, source="12")
    search_lag_s: float = _either(0.0, source="4.1")
    detail_lag_s: float = _either(0.0, source="1.4")
    category_ids_with_ancestors: bool = _either(False, True, source="4.2")
    search_by_folder_pretty_id: bool = _either(False, True, source="4.2")
    oversized_page_refused: bool = _either(False, True, source="1.6")
    pretty_id_any_case: bool = _either(False, True, source="11, row 10")
    pretty_id_with_region: bool = _either(False, True, source="3.1")
    pretty_id_lookup_refused: bool = _either(False, source="4.4")
    unknown_pretty_id_as: Absence = _either("nothing", "400 text", "403 text", source="4.4")
    find_page_maximum: int = _either(50, 10, source="4.4")
    totals_told: bool = _either(True, False, source="4.4")
    child_of_cascades: bool = _either(True, False, source="5")
    sync_allowed: bool = _either(False, True, source="11, row 7")
    sync_reports_unlinks: bool = _either(False, True, source="4.3")
    replacement_raises_last_update: bool = _either(True, False, source="8")
    image_channels: tuple[str, ...] = _either(("WEB",), ("STD",), source="3.1")
    unfinished_channel: str | None = _either(
        None,
        "PACKAGED",
        "PACKAGED_ERROR",
        "INGESTION_INPROGRESS",
        "PUBLISHING_INPROGRESS",
        "UNPUBLISHING_INPROGRESS",
        source="3.1",
    )

    # Life of a content (docs/thron.md 3.4, 7.2)
    rendition_lag_s: float = _either(0.0, source="3.4")
    old_static_life_s: float = _either(60.0, 0.0, source="7.2")
    old_static_status: int = _either(404, 403, 410, source="12")

    # Delivery (docs/thron.md 7; 11, rows 18 to 22)
    redirect_status: int = _either(307, 302, 303, source="7.7")
    redirect_location: Literal["absolute", "relative", "protocol-relative"] = _either(
        "absolute", "relative", "protocol-relative", source="7.7"
    )
    redirect_hops: int = _either(1, 2, source="12")
    extension_repeated: bool = _either(False, True, source="7.2")
    token_protection: bool = _either(False, True, source="7.2")
    token_protection_s: float = _either(300.0, source="7.3")
    domain_protection: bool = _either(False, source="7.3")
    domains_allowed: tuple[str, ...] = _either(("www.example.com",), source="7.3")
    empty_referer_allowed: bool = _either(True, False, source="7.3")
    delivery_head: bool = _either(True, False, source="7.7")
    delivery_max_age_s: int = _either(60, source="1.4")
    auto_format_by_accept: bool = _either(False, True, source="7.4")
    static_ranges: bool = _either(True, False, source="7.7")
    static_length: bool = _either(True, False, source="11, row 20")
    static_validator: Validator = _either("strong", "weak", "none", "changing", source="7.7")
    static_head: bool = _either(True, False, source="7.7")
    static_multi_range: Literal["whole", "multipart"] = _either("whole", "multipart", source="12")
    static_cors: bool = _either(True, False, source="7.7")

    # downloadSource (docs/thron.md 7.5; 11, rows 14, 17, 18)
    source_path: Literal[
        "content/downloadSource",
        "content/downloadSource/{clientId}",
        "dashboard/downloadSourceFile",
        "none",
    ] = _either(
        "content/downloadSource",
        "content/downloadSource/{clientId}",
        "dashboard/downloadSourceFile",
        source="7.5",
    )
    source_by: Literal["bytes", "redirect"] = _either("bytes", "redirect", source="7.5")
    source_redirect_status: int = _either(302, 303, 307, 308, source="7.5")
    source_token_in: tuple[str, ...] = _either(
        ("GET header", "GET query", "POST form", "POST header"),
        ("GET query", "POST form"),
        ("POST form",),
        source="7.5",
    )
    source_denied_as: Refusal = _either(
        "403 text", "418 envelope", "200 envelope", "200 html", source="11, row 17"
    )
    source_of_unpublished: bool = _either(True, False, source="11, row 14")
    source_of_unlinked: bool = _either(True, False, source="0.3, fact 7")
    source_ranges: bool = _either(True, False, source="7.5")
    source_length: bool = _either(True, False, source="11, row 20")
    source_validator: Validator = _either("strong", "weak", "none", "changing", source="7.5")
    source_head: bool = _either(True, False, source="7.7")
    storage_head: bool = _either(True, False, source="7.5")
    storage_host: str = _either("127.0.0.1", source="7.5")
    storage_url_life_s: float = _either(300.0, source="7.5")

    @classmethod
    def flips(cls) -> Iterator[tuple[str, Any]]:
        """Yield every (switch, other reading), for suites that run once per flipped switch."""
        for switch in fields(cls):
            for other in switch.metadata["flipped"]:
                yield switch.name, other

    @classmethod
    def all_flipped(cls) -> "Switches":
        """Return switches that each follow their first other reading, where there is one."""
        firsts = {f.name: f.metadata["flipped"][0] for f in fields(cls) if f.metadata["flipped"]}
        return cls(**firsts)
