"""Where one can go in the console; pure."""

from dataclasses import dataclass

from proxy.text import Text


@dataclass(frozen=True, slots=True)
class Place:
    """An entry of the navigation.

    Attributes:
        path: Of its first page; those below belong to it.
        name: What it is called.
    """

    path: str
    name: Text

    def holds(self, path: str) -> bool:
        """Tell whether a page belongs here."""
        return path == self.path or (self.path != "/" and path.startswith(self.path + "/"))


NAVIGATION = (
    Place("/", Text("Overview")),
    Place("/connectors", Text("Connectors")),
    Place("/connection", Text("Connection")),
    Place("/audit", Text("Audit")),
    Place("/access", Text("Access")),
)


def local(path: str) -> str:
    """Return a path to go to after a form, or the first page if it leads anywhere else."""
    is_local = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if is_local else "/"
