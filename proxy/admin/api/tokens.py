"""Tokens for machines: listed, made, revoked."""

from datetime import datetime

from pydantic import Field

from proxy.admin.api.operations import Call, Model, Nothing, Operation
from proxy.admin.api.problems import Problem
from proxy.admin.store import MachineToken, NameTaken

_DIGITS = 15  # more is no number that a database gave


class Token(Model):
    """A token, without what would open anything."""

    id: int
    name: str
    hint: str = Field(description="its first characters")
    can_change: bool = Field(description="whether it may change anything")
    created: datetime
    used: datetime | None = Field(description="to the minute; null: never")


class TokenList(Model):
    """Every token, by name."""

    items: tuple[Token, ...]


class TokenRequest(Model):
    """A token to be made."""

    name: str = Field(min_length=1, max_length=100)
    can_change: bool = False


class MadeToken(Model):
    """A token that has been made."""

    token: Token
    secret: str = Field(description="send it as Authorization: Bearer; it is told this once")


async def list_tokens(call: Call[Nothing, Nothing]) -> TokenList:
    """List the tokens."""
    return TokenList(items=tuple(_token(each) for each in await call.console.tokens.all()))


async def make_token(call: Call[Nothing, TokenRequest]) -> MadeToken:
    """Make a token."""
    wanted = call.content
    try:
        made = await call.console.tokens.make(
            wanted.name, can_change=wanted.can_change, actor=call.caller.actor
        )
    except NameTaken as exc:
        raise Problem(409, f"There is a token named {wanted.name!r}.") from exc
    return MadeToken(token=_token(made.token), secret=made.secret)


async def revoke_token(call: Call[Nothing, Nothing]) -> None:
    """Revoke a token."""
    given = call.path["id"]
    is_number = given.isascii() and given.isdecimal() and len(given) <= _DIGITS
    if not is_number or not await call.console.tokens.revoke(int(given), actor=call.caller.actor):
        raise Problem(404, "There is no such token.")


def _token(token: MachineToken) -> Token:
    return Token(
        id=token.id,
        name=token.name,
        hint=token.hint,
        can_change=token.can_change,
        created=token.created,
        used=token.used,
    )


OPERATIONS = (
    Operation(
        "GET",
        "/api/tokens",
        name="listTokens",
        tag="Access",
        summary="List the machines' tokens.",
        handler=list_tokens,
        query=Nothing,
        content=Nothing,
        answer=TokenList,
    ),
    Operation(
        "POST",
        "/api/tokens",
        name="makeToken",
        tag="Access",
        summary="Make a token for a machine.",
        handler=make_token,
        query=Nothing,
        content=TokenRequest,
        answer=MadeToken,
        status=201,
        problems=(409,),
        for_people=True,
    ),
    Operation(
        "DELETE",
        "/api/tokens/{id}",
        name="revokeToken",
        tag="Access",
        summary="Revoke a token.",
        handler=revoke_token,
        query=Nothing,
        content=Nothing,
        status=204,
        problems=(404,),
        for_people=True,
    ),
)
