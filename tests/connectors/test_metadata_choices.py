"""Custom metadata to choose from, the best first."""

from typing import Any

from proxy.connectors.identifiers import Naming
from proxy.connectors.metadata_choices import Fitness, choices
from proxy.connectors.model import Identifier
from proxy.thron.content import Title
from proxy.thron.folder import MetadataDefinition


def defined(key: str, kind: str = "STRING", **more: Any) -> MetadataDefinition:
    return MetadataDefinition(key, kind, classification_id="c1", **more)


def seen(key: str, classification_id: str | None = None) -> Naming:
    return Naming(Identifier.METADATA, key, classification_id)


def test_the_best_come_first() -> None:
    """KEY comes first, then text and numbers, what was only seen, and last what is doubtful."""
    found = choices(
        [
            defined("colour", "COLOR"),
            defined("year", "NUMERIC_INTEGER"),
            defined("Campaign"),
            defined("sku", "KEY"),
        ],
        [seen("old_code"), seen("sku", "c1")],
    )
    assert [(each.key, each.fitness) for each in found] == [
        ("sku", Fitness.KEY),
        ("Campaign", Fitness.PLAIN),
        ("year", Fitness.PLAIN),
        ("old_code", Fitness.SEEN),
        ("colour", Fitness.DOUBTFUL),
    ]


def test_what_contents_cannot_carry_is_not_offered() -> None:
    """Removed, hidden and others' definitions are left out, seen or not."""
    found = choices(
        [
            defined("gone", removed=True),
            defined("hidden", visible=False),
            defined("users", for_contents=False),
        ],
        [seen("gone", "c1")],
    )
    assert found == ()


def test_without_the_right_to_see_definitions() -> None:
    """What contents have is offered all the same."""
    [only] = choices(None, [seen("sku", "c9")])
    assert (only.naming.classification_id, only.fitness, only.metadata_type) == (
        "c9",
        Fitness.SEEN,
        "",
    )


def test_the_first_definition_of_a_key_counts() -> None:
    """A key that two classifications define is offered once."""
    second = MetadataDefinition("sku", "STRING", classification_id="c2")
    [only] = choices([defined("sku", "KEY"), second], [])
    assert only.naming == seen("sku", "c1")


def test_names() -> None:
    """A metadata is called as THRON calls it in the language, else by its key."""
    [named, bare] = choices(
        [defined("a", names=(Title("EN", "Article"), Title("IT", "Articolo"))), defined("b")], []
    )
    assert (named.name("it"), named.name("de"), bare.name("it")) == ("Articolo", "Article", "b")
