"""What is shipped in deploy/, read; and the settings that a recipe gives, loaded."""

from collections.abc import Mapping
from pathlib import Path

from proxy.settings import Settings, load

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"


def loaded(environ: Mapping[str, str], *, secrets: Mapping[str, Path]) -> Settings:
    """Load the settings of a recipe, whose secrets are in other places here.

    Args:
        environ: As the recipe gives it.
        secrets: Where each directory of secrets that the recipe names is here.
    """
    placed = dict(environ)
    for name, value in environ.items():
        for there, here in secrets.items():
            if value.startswith(f"{there}/"):
                placed[name] = str(here / value.removeprefix(f"{there}/"))
    return load(placed)
