"""What pydantic finds wrong: said in words for people, or left out; pure."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from multidict import MultiMapping
from pydantic import BaseModel, ValidationError

from proxy.text import Text

M = TypeVar("M", bound=BaseModel)


class Wrong(ValueError):
    """Raised by a validator of ours: what is wrong, to be said in the reader's language."""

    def __init__(self, text: Text) -> None:
        super().__init__(str(text))
        self.text = text


def lenient(model: type[M], query: MultiMapping[str], **otherwise: Any) -> M:
    """Return what a page's address says, what cannot be understood left out.

    Args:
        model: What it may say.
        query: Of the address; a blank field says nothing.
        otherwise: What holds where it says nothing, if that is not the model's default.
    """
    asked: dict[str, Any] = {}
    for name in model.model_fields:
        values = [each for each in query.getall(name, ()) if each]
        if values:
            asked[name] = values if len(values) > 1 else values[0]
    while True:
        try:
            return model.model_validate(otherwise | asked)
        except ValidationError as exc:
            for name in {str(each["loc"][0]) for each in exc.errors()}:
                del asked[name]


def findings(error: ValidationError) -> Sequence[tuple[tuple[str, ...], Text]]:
    """Return where something is wrong, and what; empty places are the whole."""
    return [
        (tuple(map(str, each["loc"])), _text(each["type"], each.get("ctx", {}), each["msg"]))
        for each in error.errors(include_url=False, include_input=False)
    ]


def _text(kind: str, context: Mapping[str, Any], message: str) -> Text:
    if kind == "value_error":
        cause = context.get("error")
        return cause.text if isinstance(cause, Wrong) else Text(str(cause))
    made = _KINDS.get(kind)
    return made(context) if made is not None else Text("{message}.", message=message)


def _too_short(context: Mapping[str, Any]) -> Text:
    if context["min_length"] == 1:
        return Text("Fill this in.")
    return Text("At least {number} characters.", number=context["min_length"])


def _too_few(context: Mapping[str, Any]) -> Text:
    if context.get("field_type") == "Value":  # pydantic's word for a secret
        return _too_short(context)
    return Text("Choose at least one.")


_KINDS: Mapping[str, Callable[[Mapping[str, Any]], Text]] = {
    "missing": lambda _: Text("Fill this in."),
    "string_too_short": _too_short,
    "string_too_long": lambda c: Text("At most {number} characters.", number=c["max_length"]),
    "string_pattern_mismatch": lambda _: Text(
        "This contains characters that are not allowed here."
    ),
    "int_parsing": lambda _: Text("Enter a whole number."),
    "int_from_float": lambda _: Text("Enter a whole number."),
    "float_parsing": lambda _: Text("Enter a number."),
    "bool_parsing": lambda _: Text("Choose one of these."),
    "enum": lambda _: Text("Choose one of these."),
    "literal_error": lambda _: Text("Choose one of these."),
    "too_short": _too_few,
    "greater_than": lambda c: Text("Enter a number above {number}.", number=c["gt"]),
    "greater_than_equal": lambda c: Text("Enter {number} or more.", number=c["ge"]),
    "less_than": lambda c: Text("Enter a number below {number}.", number=c["lt"]),
    "less_than_equal": lambda c: Text("Enter {number} or less.", number=c["le"]),
    "extra_forbidden": lambda _: Text("Unknown field."),
}
