"""Pages from templates: escaped, whole, and with what every page needs."""

import re

import pytest
from jinja2 import UndefinedError

from proxy.admin.web.rendering import TEMPLATES, environment
from tests.admin.visitor import Visitor


@pytest.mark.parametrize("template", sorted(path.name for path in TEMPLATES.rglob("*.html")))
def test_templates_are_sound(template: str) -> None:
    """Every template can be read, and names macros that there are."""
    assert environment().get_template(template).name == template


def test_nothing_unknown_is_left_blank() -> None:
    """A name that nobody gave is a fault, not an empty place."""
    with pytest.raises(UndefinedError):
        environment().from_string("{{ no_such_name }}").render()


def test_values_are_escaped() -> None:
    """A value is text."""
    made = environment().from_string('<a title="{{ x }}">{{ x }}</a>').render(x="\"<'&>")
    assert made == '<a title="&#34;&lt;&#39;&amp;&gt;">&#34;&lt;&#39;&amp;&gt;</a>'


async def test_where_one_is(admin: Visitor) -> None:
    """The navigation tells where one is."""
    text = (await admin.get("/audit")).text
    assert re.findall(r'<a href="(.*?)" aria-current="page">', text) == ["/audit"]


async def test_moments(admin: Visitor) -> None:
    """A moment is marked, so that a script can say it in the reader's own zone."""
    text = (await admin.get("/audit")).text
    assert re.search(r'<time datetime="\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ">\d+ \w+ \d{4}, ', text)


async def test_compressed(admin: Visitor) -> None:
    """A page is packed for browsers that take it so."""
    page = await admin.get("/audit", Accept_Encoding="gzip")
    assert page.fields["Content-Encoding"] == "gzip"
