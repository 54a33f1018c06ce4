"""Where one can go in the console, and back to; pure."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from proxy.text import Text


@dataclass(frozen=True, slots=True)
class NavigationEntry:
    """An entry of the navigation.

    Attributes:
        path: Of its first page; those below belong to it.
        name: What it is called.
        icon: What stands for it where there is little room; of ``parts.html``.
    """

    path: str
    name: Text
    icon: str

    def holds(self, path: str) -> bool:
        """Tell whether a page belongs here."""
        return path == self.path or (self.path != "/" and path.startswith(self.path + "/"))


NAVIGATION = (
    NavigationEntry("/", Text("Overview"), "overview"),
    NavigationEntry("/connectors", Text("Connectors"), "link"),
    NavigationEntry("/connection", Text("Connection"), "plug"),
    NavigationEntry("/audit", Text("Audit"), "list"),
    NavigationEntry("/access", Text("Access"), "key"),
)


def local(path: str) -> str:
    """Return a path to go to after a form, or the first page if it leads anywhere else."""
    is_local = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if is_local else "/"


def came_from(referer: str, *, host: str, otherwise: str) -> str:
    """Return the page of ours that a link was followed from, for a form's way back.

    Args:
        referer: The field's value (RFC 9110, 10.1.3); empty without one.
        host: That was asked, as the Host field has it.
        otherwise: Where nothing says it, or the form itself does.
    """
    try:
        parts = urlsplit(referer)
    except ValueError:
        return otherwise
    path = parts._replace(scheme="", netloc="", fragment="").geturl()
    is_form = parts.path.startswith(
        ("/login", "/set-up", "/connectors/new")
    ) or parts.path.endswith(("/edit", "/enable", "/disable", "/remove"))
    if parts.netloc != host or is_form or local(path) != path:
        return otherwise
    return path
