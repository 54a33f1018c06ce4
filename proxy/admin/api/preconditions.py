"""If-Match: a change is made to the version that was read, or not at all (RFC 9110, 13.1.1).

Without the field a change goes ahead, as for clients from before there was a tag; no operation
answers 428 (RFC 6585, 3).
"""

from dataclasses import dataclass
from typing import Self

from multidict import MultiMapping

from proxy.admin.api.problems import ApiProblem
from proxy.semantics.conditional import Preconditions, Verdict, evaluate
from proxy.semantics.entity_tags import EntityTags, parse_entity_tags
from proxy.semantics.field_lines import combined

FIELD = "If-Match"


@dataclass(frozen=True, slots=True)
class IfMatch:
    """What a change was made for; None: whatever there is."""

    tags: EntityTags | None = None

    @classmethod
    def read(cls, fields: MultiMapping[str]) -> Self:
        """Return the precondition of a request.

        Raises:
            ApiProblem: 400, it cannot be read: passing over it could overwrite what it protects.
        """
        if FIELD not in fields:
            return cls()
        tags = parse_entity_tags(combined(fields, FIELD) or "")
        if tags is None:
            raise ApiProblem(
                400,
                f"{FIELD} is not a list of entity tags; send the ETag exactly as you received it.",
            )
        return cls(tags)

    def require(self, tag: str) -> None:
        """Refuse a change that was made for another version.

        Args:
            tag: The ETag of what there is.

        Raises:
            ApiProblem: 412, with the ETag of what there is.
        """
        if self.tags is None:
            return
        asked = Preconditions(if_match=self.tags)
        found = evaluate(asked, etag=tag, last_modified=None, method="PUT")
        if found is Verdict.FAILED:
            raise ApiProblem(
                412,
                "It was changed since you read it. Read it again, and make the change anew.",
                fields={"ETag": tag},
            )
