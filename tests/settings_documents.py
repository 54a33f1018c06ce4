"""Renders the settings table into the documents that hold it.

``.venv/bin/python -m tests.settings_documents`` writes them anew.
"""

import re
from pathlib import Path

from proxy.settings import table

ROOT = Path(__file__).parents[1]
HANDBOOK = ROOT / "docs" / "settings.md"
ENV_EXAMPLE = ROOT / "deploy" / "thron-connector.env.example"
REMEDY = "run: .venv/bin/python -m tests.settings_documents"

_MARKED = re.compile(r"(<!-- settings -->\n).*?(<!-- /settings -->)", re.DOTALL)


def in_markdown() -> str:
    """Return the settings as a table in Markdown."""
    rows = [
        f"| `{name}` | {'' if default == 'unset' else f'`{default}`'} | {_escaped(help_)} |"
        for name, default, help_ in table()
    ]
    return "\n".join(["| name | default | |", "|---|---|---|", *rows, ""])


def in_env_example() -> str:
    """Return an environment file in which every setting stands, commented out."""
    lines = [
        "# Settings of the THRON Download Connector: take away the # of what you set.",
        '# Put a value that has blanks into "quotes".',
        "# Every name also exists with _FILE at its end: the path of a file that holds the value.",
        "# TDC_CONFIG names a TOML file that holds the same, in lower case and without TDC_.",
    ]
    for name, default, help_ in table():
        lines += ["", f"# {help_}", f"#{name}={'' if default == 'unset' else default}"]
    return "\n".join([*lines, ""])


def marked(page: str) -> str | None:
    """Return what stands between the markers of a page, or None without them."""
    found = _MARKED.search(page)
    return None if found is None else found[0].partition("\n")[2].removesuffix(found[2])


def _escaped(text: str) -> str:
    return text.replace("|", r"\|").replace("*", r"\*")


def _write() -> None:
    ENV_EXAMPLE.write_text(in_env_example(), "utf-8")
    page = HANDBOOK.read_text("utf-8")
    HANDBOOK.write_text(_MARKED.sub(lambda m: f"{m[1]}{in_markdown()}{m[2]}", page), "utf-8")


if __name__ == "__main__":
    _write()
