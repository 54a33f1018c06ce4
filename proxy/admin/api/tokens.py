"""Tokens for machines: listed, made, revoked."""

from dataclasses import dataclass

from pydantic import Field

from proxy.admin.api.operations import Model, operation
from proxy.admin.api.problems import ApiProblem
from proxy.admin.auth.api_tokens import ApiToken, ApiTokens, NameTaken, NewToken
from proxy.admin.auth.request_context import Caller

_DIGITS = 15  # more is no number that a database gave
_TAG = "Access"


class TokenList(Model):
    """Every token, by name."""

    items: tuple[ApiToken, ...]


class TokenRequest(Model):
    """A token to be made."""

    name: str = Field(min_length=1, max_length=100)
    can_change: bool = False


@dataclass(frozen=True, slots=True)
class TokensApi:
    """Lists, makes and revokes tokens."""

    tokens: ApiTokens

    @operation("GET", "/api/tokens", tag=_TAG)
    async def list_tokens(self) -> TokenList:
        """List the machines' tokens."""
        return TokenList(items=await self.tokens.all())

    @operation("POST", "/api/tokens", tag=_TAG, status=201, problems=(409,), for_people=True)
    async def make_token(self, content: TokenRequest, caller: Caller) -> NewToken:
        """Make a token for a machine."""
        try:
            return await self.tokens.make(
                content.name, can_change=content.can_change, actor=caller.actor
            )
        except NameTaken as exc:
            raise ApiProblem(409, f"There is a token named {content.name!r}.") from exc

    @operation("DELETE", "/api/tokens/{id}", tag=_TAG, status=204, problems=(404,), for_people=True)
    async def revoke_token(self, id_: str, caller: Caller) -> None:
        """Revoke a token."""
        is_number = id_.isascii() and id_.isdecimal() and len(id_) <= _DIGITS
        if not is_number or not await self.tokens.revoke(int(id_), actor=caller.actor):
            raise ApiProblem(404, "No such token.")
