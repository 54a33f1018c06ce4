"""Which mode of delivery works: one octet of a few contents, tried in either."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from proxy.connectors.model import Connector, DeliveryMode
from proxy.delivery.explain import DiagnosisStep, Explainer
from proxy.text import Text
from proxy.thron.content import Content

# One of each type says more than several of one, and somebody waits for the outcome.
_MOST = 3
_LOOKED_AT = 50  # a page of THRON's


@dataclass(frozen=True, slots=True)
class ModeTrial:
    """How contents can be delivered in one mode.

    Attributes:
        mode: Which.
        steps: One for each content, named at the beginning of its detail.
    """

    mode: DeliveryMode
    steps: tuple[DiagnosisStep, ...]

    @property
    def delivered(self) -> int:
        """How many of the contents were delivered."""
        return sum(step.is_ok for step in self.steps)

    @property
    def works(self) -> bool:
        """Whether any content was delivered: one that fails beside it has a fault of its own."""
        return self.delivered > 0

    @property
    def detail(self) -> str:
        """The detail of the first content that failed, or else of the first."""
        if not self.steps:
            return Text("no published content to try")
        told = next((step for step in self.steps if not step.is_ok), self.steps[0]).detail
        if self.delivered in {0, len(self.steps)}:
            return told
        return Text(
            "{detail} (only this content: {delivered} of {tried} tried were delivered)",
            detail=told,
            delivered=self.delivered,
            tried=len(self.steps),
        )


@dataclass(frozen=True, slots=True)
class Proposal:
    """The mode that a connector should have, and why; None where neither works."""

    mode: DeliveryMode | None
    reason: str


async def few(contents: AsyncGenerator[Content, None]) -> tuple[Content, ...]:
    """Return a few contents, of as many types as there are among the first.

    Raises:
        ThronError: As the contents do.
    """
    first: dict[str, Content] = {}
    looked_at = 0
    async with aclosing(contents):
        async for content in contents:
            first.setdefault(content.content_type, content)
            looked_at += 1
            if len(first) == _MOST or looked_at == _LOOKED_AT:
                break
    return tuple(first.values())


async def try_mode(
    explainer: Explainer, connector: Connector, mode: DeliveryMode, contents: Sequence[Content]
) -> ModeTrial:
    """Fetch the first octet of each content as a connector of a mode would deliver it."""
    steps = []
    for content in contents:
        step = await explainer.fetch(connector.model_copy(update={"delivery": mode}), content)
        name = content.file_name or content.id
        steps.append(replace(step, detail=Text.joined(": ", [name, step.detail])))
    return ModeTrial(mode, tuple(steps))


def propose(trials: Sequence[ModeTrial]) -> Proposal:
    """Return the mode that works; of two, the one that delivered more contents."""
    tried = [trial for trial in trials if trial.steps]
    if not tried:
        return Proposal(None, Text("there is no published content to try them on"))
    best = max(tried, key=lambda trial: (trial.delivered, trial.mode is DeliveryMode.ORIGINAL))
    if not best.works:
        return Proposal(None, Text("neither mode delivers anything: fix one of the failures above"))
    poorer = [trial for trial in tried if trial.delivered < best.delivered]
    if poorer:
        return Proposal(
            best.mode, Text("{mode} fails ({detail})", mode=poorer[0].mode, detail=poorer[0].detail)
        )
    if len(tried) == 1:
        return Proposal(best.mode, Text("it works"))
    return Proposal(best.mode, Text("both work, and it gives files exactly as they were uploaded"))
