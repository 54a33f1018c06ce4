"""The caches in front that are notified of changes, for machines."""

from dataclasses import dataclass

from pydantic import Field

from proxy.admin.api.operations import Model, operation
from proxy.admin.api.problems import ApiProblem
from proxy.edge.sender import HookState, PurgeSender

_TAG = "Overview"


class PurgeHooks(Model):
    """The caches that are notified of changes."""

    items: tuple[HookState, ...]


class HookTest(Model):
    """The result of a test request."""

    problem: str | None = Field(description="why the request failed; null if it did not")


@dataclass(frozen=True, slots=True)
class PurgeHooksApi:
    """Reads and tries purge hooks."""

    sender: PurgeSender

    @operation("GET", "/api/purge-hooks", tag=_TAG)
    async def list_purge_hooks(self) -> PurgeHooks:
        """List the caches that are notified of changes, and what each has yet to accept."""
        return PurgeHooks(items=await self.sender.states())

    @operation("POST", "/api/purge-hooks/{name}/try", tag=_TAG, problems=(404,))
    async def try_purge_hook(self, name: str) -> HookTest:
        """Send a hook a trial request, for a tag that no content has."""
        try:
            return HookTest(problem=await self.sender.try_hook(name))
        except KeyError as exc:
            raise ApiProblem(404, "No such purge hook.") from exc
