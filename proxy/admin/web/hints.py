"""What is missing for the connector to do its work, and where to fix it; pure."""

from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum

from proxy.admin.api.operations import Model
from proxy.connectors.model import Connector, DeliveryMode


class HintKind(StrEnum):
    """What is missing."""

    RELOAD_REFUSED = "reload_refused"
    NO_CREDENTIALS = "no_credentials"
    NO_CONNECTORS = "no_connectors"
    NONE_ENABLED = "none_enabled"
    NO_PKEY = "no_pkey"
    NO_HTTPS = "no_https"
    GUESSED_PUBLIC_URL = "guessed_public_url"


class Hint(Model):
    """Something that is missing.

    Attributes:
        connectors: Slugs of those that suffer from it.
        value: Such as the URL that was guessed.
    """

    kind: HintKind
    connectors: tuple[str, ...] = ()
    value: str = ""


def hints(
    connectors: Sequence[Connector],
    *,
    is_connected: bool,
    lacks_pkey: bool,
    can_force_https: bool,
    guessed_url: str | None,
    refused_reload: Sequence[str],
) -> tuple[Hint, ...]:
    """Return what is missing, the worst first.

    Args:
        connectors: All that there are.
        is_connected: Whether there are credentials.
        lacks_pkey: Whether the last login gave no pkey.
        can_force_https: Whether a request can ever be known to be HTTPS.
        guessed_url: The base of every URL that we print, if nobody has set it.
        refused_reload: Why the last reload was refused; nothing: it was not.
    """
    enabled = [each for each in connectors if each.enabled]
    found: list[Hint] = []
    if refused_reload:
        found.append(Hint(kind=HintKind.RELOAD_REFUSED, value="; ".join(refused_reload)))
    if not is_connected:
        found.append(Hint(kind=HintKind.NO_CREDENTIALS))
    elif not connectors:
        found.append(Hint(kind=HintKind.NO_CONNECTORS))
    elif not enabled:
        found.append(Hint(kind=HintKind.NONE_ENABLED))
    if lacks_pkey:
        found += _of(HintKind.NO_PKEY, enabled, lambda c: c.delivery is DeliveryMode.PUBLISHED)
    if not can_force_https:
        found += _of(HintKind.NO_HTTPS, enabled, lambda c: c.force_https)
    if guessed_url is not None and enabled:
        found.append(Hint(kind=HintKind.GUESSED_PUBLIC_URL, value=guessed_url))
    return tuple(found)


def _of(
    kind: HintKind, connectors: Sequence[Connector], suffers: Callable[[Connector], bool]
) -> Iterator[Hint]:
    slugs = tuple(each.slug for each in connectors if suffers(each))
    if slugs:
        yield Hint(kind=kind, connectors=slugs)
