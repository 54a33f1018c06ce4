"""What applying connectors would do: surveyed in THRON and compared with those there are."""

from collections.abc import Sequence
from dataclasses import dataclass

from proxy.catalogue.database import Database
from proxy.connectors.changes import Changes, breaks, compare, conflicts
from proxy.connectors.model import Connector
from proxy.connectors.preview import Survey, Surveyor
from proxy.connectors.store import ConnectorStore
from proxy.errors import ConfigurationError

NO_HTTPS = (
    "force_https needs HTTPS: set TDC_TLS_CERT, TDC_TLS_KEY and TDC_TLS_LISTEN, or name the front"
    " proxy in TDC_TRUSTED_PROXIES."
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be applied.

    Attributes:
        surveys: One for each wanted connector, in order.
        changes: Which would be created or changed.
        broken: By slug, why existing public URLs would stop working.
    """

    surveys: tuple[Survey, ...]
    changes: Changes
    broken: dict[str, tuple[str, ...]]

    @property
    def connectors(self) -> tuple[Connector, ...]:
        """The connectors, resolved."""
        return tuple(survey.connector for survey in self.surveys)

    @property
    def is_nothing(self) -> bool:
        """Whether all of them are as they would be already."""
        return not self.changes.created and not self.changes.changed

    @property
    def published(self) -> tuple[Survey, ...]:
        """The surveys of the created and changed connectors that would serve contents."""
        touched = {*self.changes.created, *self.changes.changed}
        return tuple(
            survey
            for survey in self.surveys
            if survey.connector.slug in touched and survey.connector.enabled
        )

    @property
    def public_contents(self) -> int:
        """How many contents those make public; one that two of them serve counts twice."""
        return sum(survey.contents for survey in self.published)


async def plan(
    wanted: Sequence[Connector],
    *,
    surveyor: Surveyor,
    database: Database,
    can_force_https: bool,
) -> Plan:
    """Return what applying connectors would do, without doing it.

    Args:
        wanted: Their folders need not be resolved.
        surveyor: Asks THRON.
        database: Has the connectors that there are.
        can_force_https: Whether a request can ever be known to be HTTPS.

    Raises:
        ConfigurationError: With every problem of every connector.
        ThronError: THRON cannot be asked.
    """
    known = {each.slug: each for each in (await ConnectorStore(database).read()).all}
    problems = [
        *(each.text for each in conflicts(known, wanted)),
        *_without_https(wanted, can_force_https),
    ]
    surveys: list[Survey] = []
    for connector in wanted:
        try:
            surveys.append(await surveyor.survey(connector))
        except ConfigurationError as exc:
            problems += exc.problems
    if problems:
        raise ConfigurationError(problems)
    resolved = tuple(survey.connector for survey in surveys)
    broken = {
        each.slug: found
        for each in resolved
        if each.slug in known and (found := breaks(known[each.slug], each))
    }
    return Plan(tuple(surveys), compare(known, resolved), broken)


def _without_https(wanted: Sequence[Connector], can_force_https: bool) -> list[str]:  # noqa: FBT001 - private, and named as the caller's
    if can_force_https:
        return []
    return [f"connector {each.slug}: {NO_HTTPS}" for each in wanted if each.force_https]
