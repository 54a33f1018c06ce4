"""A posted form becomes a value, or comes back with every problem beside its field; pure.

A form's model is a pydantic one, mostly the same that the JSON API takes. Nothing that was typed
is lost, but for secrets, which no page repeats.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Generic, Self, TypeVar, get_origin

from multidict import MultiMapping
from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo

from proxy.admin.validation import findings
from proxy.text import Text

M = TypeVar("M", bound=BaseModel)

WHOLE = ""  # the "field" of problems that are of no single one


@dataclass(frozen=True, slots=True)
class Form(Generic[M]):
    """A form as a page shows it.

    Attributes:
        value: What it says; None while something is wrong, or nothing was posted.
        typed: What stands in each field, empty for secrets.
        problems: What is wrong with each field; under ``WHOLE`` with none of them alone.
    """

    value: M | None = field(default=None, repr=False)
    typed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    problems: Mapping[str, tuple[Text, ...]] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """Return what stands in a field."""
        return self.typed.get(name, ("",))[0] if self.typed.get(name) else ""

    def has(self, name: str, value: str = "on") -> bool:
        """Tell whether a value of a field is chosen; of a check box, whether it is ticked."""
        return value in self.typed.get(name, ())

    def wrong(self, name: str = WHOLE) -> tuple[Text, ...]:
        """Return what is wrong with a field."""
        return self.problems.get(name, ())

    def with_problem(self, text: Text, *, field: str = WHOLE) -> Self:
        """Return the form with one more problem, found after it was read."""
        problems = {**self.problems, field: (*self.problems.get(field, ()), text)}
        return replace(self, value=None, problems=problems)


def read(posted: MultiMapping[Any], model: type[M]) -> Form[M]:
    """Return a form as it was posted.

    Args:
        posted: The fields, as ``await request.post()`` gives them.
        model: What they mean. A field with several values is a tuple, list or frozenset there; a
            check box is a bool. A blank field that need not be filled in counts as not given.
    """
    given: dict[str, Any] = {}
    typed: dict[str, tuple[str, ...]] = {}
    for name, info in model.model_fields.items():
        values = tuple(each for each in posted.getall(name, ()) if isinstance(each, str))
        typed[name] = () if _is_secret(info) else values
        if info.annotation is bool:
            given[name] = bool(values)
        elif get_origin(info.annotation) in {tuple, list, set, frozenset}:
            given[name] = list(values)
        elif values and (values[0].strip() or info.is_required()):
            given[name] = values[0] if _is_secret(info) else values[0].strip()
    try:
        return Form(model.model_validate(given), typed)
    except ValidationError as exc:
        return Form(None, typed, _by_field(exc, model))


def blank() -> Form[Any]:
    """Return a form in which nothing stands yet."""
    return Form()


def filled(value: BaseModel) -> Form[Any]:
    """Return a form that shows a value, before anything is posted."""
    typed = {
        name: () if _is_secret(info) else _shown(getattr(value, name))
        for name, info in type(value).model_fields.items()
    }
    return Form(None, typed)


def _by_field(error: ValidationError, model: type[BaseModel]) -> dict[str, tuple[Text, ...]]:
    found: dict[str, tuple[Text, ...]] = {}
    for place, text in findings(error):
        name = place[0] if place and place[0] in model.model_fields else WHOLE
        found[name] = (*found.get(name, ()), text)
    return found


def _is_secret(info: FieldInfo) -> bool:
    return info.annotation is SecretStr or SecretStr in getattr(info.annotation, "__args__", ())


def _shown(value: Any) -> tuple[str, ...]:
    if value is None or value is False:
        return ()
    if value is True:
        return ("on",)
    if isinstance(value, Enum):
        return (str(value.value),)
    if isinstance(value, tuple | list | frozenset | set):
        return tuple(text for each in value for text in _shown(each))
    return (str(value),)
