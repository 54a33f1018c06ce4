"""Freshness out: how long caches between us and the user agent may answer in our place.

The origin's own Cache-Control is not asked: how soon a change must show is the operator's word
(``max_age_s`` of the connector), and THRON marks answers uncacheable that are public.
"""

from dataclasses import dataclass
from urllib.parse import quote

# RFC 9111, 1.2.2: larger values overflow in caches; a year is the customary end (68 years is not).
_MAX_DELTA_S = 2**31 - 1

# While a shared cache revalidates in the background nobody waits; not longer than a minute, so that
# an unlinked content does not live on there.
_MAX_STALE_WHILE_REVALIDATE_S = 60


@dataclass(frozen=True, slots=True)
class Freshness:
    """What an answer says of its freshness.

    Attributes:
        cache_control: Cache-Control, for every cache (RFC 9111, 5.2; RFC 5861).
        cdn_cache_control: CDN-Cache-Control, for CDNs alone (RFC 9213), or None.
        surrogate_control: Surrogate-Control, for those that know that alone, or None.
    """

    cache_control: str
    cdn_cache_control: str | None = None
    surrogate_control: str | None = None

    def as_fields(self) -> list[tuple[str, str]]:
        """Return the field lines of the answer."""
        lines = [("Cache-Control", self.cache_control)]
        if self.cdn_cache_control is not None:
            lines.append(("CDN-Cache-Control", self.cdn_cache_control))
        if self.surrogate_control is not None:
            lines.append(("Surrogate-Control", self.surrogate_control))
        return lines


# The tag of a 404 for an address that names no connector; a new one may get it.
NO_CONNECTOR = "no-connector"

# Failures pass: no cache may hold one back for the next client.
OF_FAILURE = Freshness("no-store", "no-store")


def of_content(
    *,
    max_age_s: int,
    stale_if_error_s: int,
    stale_while_revalidate_s: int | None = None,
    cdn_max_age_s: int | None = None,
) -> Freshness:
    """Return the freshness of a content: 200, 206, 304.

    Args:
        max_age_s: The connector's ``max_age_s``. With 0 every use is validated, also while we fail.
        stale_if_error_s: How long a cache may go on while we answer 5xx.
        stale_while_revalidate_s: How long it may go on while it asks us; by default the shorter of
            ``max_age_s`` and a minute.
        cdn_max_age_s: How long caches in front may keep it; by default as all others.
    """
    usual = _of_content(max_age_s, stale_if_error_s, stale_while_revalidate_s)
    if cdn_max_age_s is None:
        return Freshness(usual, usual)
    of_cdns = _of_content(cdn_max_age_s, stale_if_error_s, stale_while_revalidate_s)
    return Freshness(usual, of_cdns, of_cdns.removeprefix("public, "))


def _of_content(max_age_s: int, stale_if_error_s: int, stale_while_revalidate_s: int | None) -> str:
    max_age = _delta(max_age_s)
    if max_age == 0:
        return "public, no-cache"
    in_background = _delta(
        min(max_age, _MAX_STALE_WHILE_REVALIDATE_S)
        if stale_while_revalidate_s is None
        else stale_while_revalidate_s
    )
    directives = ["public", f"max-age={max_age}"]
    if in_background:
        directives.append(f"stale-while-revalidate={in_background}")
    if stale_if_error_s > 0:
        directives.append(f"stale-if-error={_delta(stale_if_error_s)}")
    return ", ".join(directives)


def of_absence(*, max_age_s: int) -> Freshness:
    """Return the freshness of a 404 or 301: short, so that what is published next soon shows.

    Args:
        max_age_s: As long as we remember the absence ourselves (``TDC_NEGATIVE_TTL_S``).
    """
    max_age = _delta(max_age_s)
    if max_age == 0:
        return OF_FAILURE
    return Freshness(f"public, max-age={max_age}", f"public, max-age={max_age}")


def of_status(status: int, *, content: Freshness, absence: Freshness) -> Freshness:
    """Return which freshness an answer of this status carries.

    A 416 or 412 depends on fields that caches do not key by, a 429 or 5xx is of the moment, and a
    400 or 405 is not worth a place: none of them is stored.
    """
    match status:
        case 200 | 206 | 304:
            return content
        case 301 | 404:
            return absence
        case _:
            return OF_FAILURE


def cache_tags(connector: str | None, *, content_id: str | None = None) -> tuple[str, ...]:
    """Return the tags by which a CDN purges what a connector, or one content, gave.

    Args:
        connector: The connector's slug; None where an address names none.
        content_id: THRON's id; what is no unreserved character is percent-encoded, so that tags
            stay apart in both fields' lists and nothing can be written into them.
    """
    tags = [connector_tag(connector) if connector is not None else NO_CONNECTOR]
    if content_id is not None:
        tags.append(content_tag(content_id))
    return tuple(tags)


def connector_tag(slug: str) -> str:
    """Return the tag of all that a connector gave."""
    return f"connector-{_tag(slug)}"


def content_tag(content_id: str) -> str:
    """Return the tag of all that was given of a content, by whichever connector."""
    return f"content-{_tag(content_id)}"


def tag_fields(tags: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return Surrogate-Key (Fastly, Varnish's xkey) and Cache-Tag (Cloudflare, Akamai)."""
    return [("Surrogate-Key", " ".join(tags)), ("Cache-Tag", ",".join(tags))] if tags else []


def _delta(seconds: int) -> int:
    return max(0, min(seconds, _MAX_DELTA_S))


def _tag(text: str) -> str:
    # 1024 characters is the longest tag that the CDNs take.
    return quote(text, safe="", errors="surrogatepass")[:1000]
