"""The console's style sheets: one file of values, contrast in both themes, and nothing unused."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import proxy.admin.web
from proxy.admin.web.assets import ASSETS
from proxy.admin.web.rendering import TEMPLATES

WEB = Path(proxy.admin.web.__file__).parent
STATIC = WEB / "static"
TOKENS = "tokens.css"
SHEETS = sorted(path.name for path in STATIC.glob("*.css"))

# WCAG 2.2, 1.4.3 for text; 1.4.11 for the edge of a control and the bars of a chart.
TEXT, EDGE = 4.5, 3.0
SURFACES = ("ground", "raised", "sunken")


def _style(name: str) -> str:
    return re.sub(r"/\*.*?\*/", "", (STATIC / name).read_text(), flags=re.DOTALL)


def _tokens() -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+): ([^;]+);", _style(TOKENS)))


def _declarations(name: str) -> Iterator[tuple[str, str]]:
    for block in re.findall(r"\{([^{}]*)\}", _style(name)):
        for line in filter(None, map(str.strip, block.split(";"))):
            prop, _, value = line.partition(":")
            yield prop.strip(), value.strip()


@pytest.mark.parametrize("name", [name for name in SHEETS if name != TOKENS])
def test_values_stand_in_one_file(name: str) -> None:
    """Colours, text sizes, corners, durations and distances have names, but for hairlines."""
    foreign = []
    for prop, value in _declarations(name):
        if re.search(r"#[0-9a-f]{3,8}\b|\b(rgb|hsl|oklch)a?\(|light-dark\(", value):
            foreign.append(f"{prop}: {value}")
        if prop == "font-size" and not re.fullmatch(r"var\(--text-\d\)|[\d.]+em|0", value):
            foreign.append(f"{prop}: {value}")
        if re.fullmatch(r"(row-|column-)?gap|(margin|padding)(-\w+)?", prop):
            named = re.sub(r"(var|calc|clamp)\((\([^()]*\)|[^()])*\)", "", value)
            if not all(re.fullmatch(r"0|auto|-?[1-4]px|[\d.]+em", each) for each in named.split()):
                foreign.append(f"{prop}: {value}")
        if prop in {"transition", "animation"} and re.search(r"\d(m?s)\b", value):
            foreign.append(f"{prop}: {value}")
        if prop == "border-radius" and re.search(r"\d(px|rem)", value.replace("2px", "")):
            foreign.append(f"{prop}: {value}")
    assert not foreign, foreign


def test_every_name_is_known_and_used() -> None:
    """What a sheet names exists, and what the file of values has is named somewhere."""
    named = {
        each for name in SHEETS for each in re.findall(r"var\(--([\w-]+)", _style(name))
    } | set(re.findall(r"var\(--([\w-]+)", "".join(_pages())))
    assert named == set(_tokens())


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_contrast(theme: int) -> None:
    """Text can be read on whatever lies under it, and edges and bars can be seen."""
    colours = {
        name: pair[theme]
        for name, value in _tokens().items()
        if (pair := re.findall(r"#[0-9a-f]{6}", value)) and len(pair) == 2
    }
    pairs = [
        (ink, under, TEXT)
        for ink in ("text", "muted", "accent", "accent-strong", "bad")
        for under in SURFACES
    ]
    pairs += [(ink, f"{ink}-soft", TEXT) for ink in ("accent", "good", "warning", "bad")]
    pairs += [(ink, under, TEXT) for ink in ("good", "warning") for under in ("ground", "raised")]
    pairs += [("text", f"{under}-soft", TEXT) for under in ("accent", "good", "warning", "bad")]
    pairs += [("muted", "accent-soft", TEXT), ("accent-strong", "accent-soft", TEXT)]
    pairs += [("on-accent", "accent", TEXT), ("on-accent", "accent-strong", TEXT)]
    pairs += [
        (edge, "raised", EDGE) for edge in ("line-strong", "bar", "bar-missed", "accent", "bad")
    ]
    weak = [
        f"{ink} on {under}: {ratio:.2f}"
        for ink, under, least in pairs
        if (ratio := _contrast(colours[ink], colours[under])) < least
    ]
    assert not weak, weak


def _contrast(one: str, other: str) -> float:
    """Return the contrast ratio (WCAG 2.2, "contrast ratio")."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    channels = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _pages() -> list[str]:
    files = (*TEMPLATES.glob("*.html"), *STATIC.glob("*.js"), *WEB.glob("*.py"))
    return [path.read_text() for path in files]


def test_no_rule_is_dead() -> None:
    """Each class and id that a sheet styles occurs in a template, a script, or what fills them."""
    text = "".join(_pages())
    # Such as class="bar-{{ kind }}", and `live is-${state}` in a script.
    begun = set(re.findall(r"(?<=[\s\"'`])([a-z]+-)(?=\{\{|\$\{)", text))
    dead = []
    for name in SHEETS:
        selectors = "".join(re.findall(r"([^{}]+)\{", _style(name)))
        for each in set(re.findall(r"[.#](-?[a-z_][\w-]*)", re.sub(r'"[^"]*"', "", selectors))):
            is_begun = any(each.startswith(beginning) for beginning in begun)
            if not is_begun and not re.search(rf"(?<![\w-]){re.escape(each)}(?![\w-])", text):
                dead.append(f"{name}: {each}")
    assert not dead, dead


def test_every_sheet_is_linked() -> None:
    """A style sheet or script that no template loads is not shipped."""
    text = "".join(_pages())
    for path in STATIC.iterdir():
        ASSETS.url(path.name)
        assert path.name in text, path.name
