"""What the overview says of how things stand."""

from collections.abc import Mapping
from dataclasses import dataclass

from proxy.admin.overview import Health, SyncStanding
from proxy.admin.requests_query import Outcome
from proxy.admin.web.hints import HintKind
from proxy.text import Text

# The badge's kind, and its text.
HEALTHS: Mapping[Health, tuple[str, Text]] = {
    Health.GOOD: ("good", Text("answers")),
    Health.FAILING: ("warning", Text("unstable")),
    Health.LEFT_ALONE: ("bad", Text("does not answer")),
    Health.NOT_LOGGED_IN: ("bad", Text("not logged in")),
    Health.NOT_CONNECTED: ("idle", Text("not connected")),
}

SYNCS: Mapping[SyncStanding, tuple[str, Text]] = {
    SyncStanding.RUNNING: ("info", Text("reading")),
    SyncStanding.ASKED: ("info", Text("reading soon")),
    SyncStanding.GOOD: ("good", Text("up to date")),
    SyncStanding.FAILED: ("bad", Text("reading failed")),
    SyncStanding.SUSPENDED: ("warning", Text("removals on hold")),
    SyncStanding.NEVER: ("idle", Text("never read")),
}

OUTCOMES: Mapping[Outcome, tuple[str, Text]] = {
    Outcome.SUCCESS: ("good", Text("Delivered (2xx)")),
    Outcome.REDIRECT: ("info", Text("Not modified, redirected (3xx)")),
    Outcome.CLIENT_ERROR: ("warning", Text("Client error (4xx)")),
    Outcome.SERVER_ERROR: ("bad", Text("Failed (5xx)")),
    Outcome.BROKEN: ("idle", Text("Broken off")),
}


@dataclass(frozen=True, slots=True)
class HintWords:
    """How a hint is told.

    Attributes:
        kind: Of its notice.
        title: What is missing.
        fix: What to do; it may name ``{value}`` and ``{connectors}``.
        path: Where to do it.
        link: What leads there; None where nothing of the console does.
    """

    kind: str
    title: Text
    fix: str
    path: str = ""
    link: Text | None = None


def _hint(kind: str, title: Text, fix: Text, path: str = "", link: Text | None = None) -> HintWords:
    return HintWords(kind, title, fix.english, path, link)


HINTS: Mapping[HintKind, HintWords] = {
    HintKind.RELOAD_REFUSED: _hint(
        "bad",
        Text("The last reload was refused"),
        Text("The connector keeps running with its previous settings. The problem: {value}"),
    ),
    HintKind.NO_CREDENTIALS: _hint(
        "info",
        Text("Not connected to THRON yet"),
        Text("Enter the credentials of a Custom Application to install connectors."),
        "/connection",
        Text("Connect to THRON"),
    ),
    HintKind.NO_CONNECTORS: _hint(
        "info",
        Text("No connectors yet"),
        Text("Install one on a folder to give its contents public addresses."),
        "/connectors/new",
        Text("New connector"),
    ),
    HintKind.NONE_ENABLED: _hint(
        "warning",
        Text("Every connector is switched off"),
        Text("No public address works until one of them is switched on."),
        "/connectors",
        Text("Go to the connectors"),
    ),
    HintKind.NO_PKEY: _hint(
        "bad",
        Text("Renditions cannot be delivered"),
        Text(
            "THRON gives the application no pkey, which these connectors need: {connectors}. Have"
            " its public share switched on in THRON, or let them deliver original files."
        ),
        "/connection",
        Text("What the application can do"),
    ),
    HintKind.NO_HTTPS: _hint(
        "bad",
        Text("HTTPS is forced but not available"),
        Text(
            "These connectors redirect to HTTPS endlessly: {connectors}. Set TDC_TLS_CERT,"
            " TDC_TLS_KEY and TDC_TLS_LISTEN, or list the proxy in front in TDC_TRUSTED_PROXIES."
        ),
    ),
    HintKind.GUESSED_PUBLIC_URL: _hint(
        "warning",
        Text("The public URL is guessed"),
        Text("Links are shown with {value}. Set TDC_PUBLIC_URL to the address that people use."),
    ),
}
