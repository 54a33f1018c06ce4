"""Login and validation: what is asked, and what each answer means."""

import orjson
import pytest

from proxy.errors import (
    CredentialsRefused,
    ThronAnswerInvalid,
    ThronBusy,
    ThronError,
    ThronUnreachable,
)
from proxy.thron.exchange import Reply
from proxy.thron.session import Credentials, LoginAnswer, act_as, login, validate

JSON = "application/json"
TOKEN = "0b5f1f7e-6a0e-4c59-9a37-0d3f2f7f7f11"


def reply(status: int = 200, **members: object) -> Reply:
    """Return an answer with these members."""
    return Reply(status, JSON, orjson.dumps(members))


def test_login_is_a_form() -> None:
    """A login posts app id and key as a form, and the tenant is one encoded segment."""
    request = login("acme/x", "app", "k&y").request
    assert request.method == "POST"
    assert request.path == "/api/xadmin/resources/apps/loginApp/acme%2Fx"
    assert request.form == (("appId", "app"), ("appKey", "k&y"))
    assert not request.query


@pytest.mark.parametrize(
    ("app", "known"),
    [
        pytest.param(
            {
                "rootCategoryId": "f0",
                "displayName": "Mine",
                "metadata": [{"name": "x", "value": "y"}, {"name": "pkey", "value": " a1b2 "}],
                "credential": {"sysusername": "u", "password": "p4ss"},
            },
            LoginAnswer(TOKEN, "a1b2", "f0"),
            id="whole",
        ),
        pytest.param(
            {"metadata": {"name": "pkey", "value": "a"}}, LoginAnswer(TOKEN, "a"), id="single"
        ),
        pytest.param(
            {"metadata": [{"name": "pkey", "value": ""}]}, LoginAnswer(TOKEN), id="empty pkey"
        ),
        pytest.param(None, LoginAnswer(TOKEN), id="no app"),
        pytest.param("odd", LoginAnswer(TOKEN), id="an app that is none"),
    ],
)
def test_login_answer(app: object, known: LoginAnswer) -> None:
    """Token, pkey and root folder are kept, and nothing else."""
    answer = reply(resultCode="OK", appUserTokenId=TOKEN, app=app)
    given = login("acme", "app", "key").decipher(answer)
    assert given == known
    assert TOKEN not in repr(given)
    assert "a1b2" not in repr(given)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param(
            reply(418, resultCode="APP_AUTHENTICATION_FAILED"), CredentialsRefused, id="key"
        ),
        pytest.param(reply(200, resultCode="APP_NOT_FOUND"), CredentialsRefused, id="200 app"),
        pytest.param(
            reply(404, resultCode="CLIENT_NOT_FOUND"), CredentialsRefused, id="404 client"
        ),
        pytest.param(reply(403, resultCode="APP_DISABLED"), CredentialsRefused, id="403 disabled"),
        pytest.param(reply(200, resultCode="ACCESS_DENIED"), CredentialsRefused, id="denied"),
        pytest.param(Reply(403, "text/plain", b"no"), CredentialsRefused, id="403 text"),
        pytest.param(Reply(404, "text/html", b"<html>"), CredentialsRefused, id="404 page"),
        pytest.param(Reply(418, "", b""), CredentialsRefused, id="418 of nothing"),
        pytest.param(reply(418, resultCode="EXCEPTION"), ThronUnreachable, id="exception"),
        pytest.param(Reply(408, "", b""), ThronUnreachable, id="408"),
        pytest.param(Reply(502, "text/html", b"<html>"), ThronUnreachable, id="502 page"),
        pytest.param(Reply(429, "", b""), ThronBusy, id="429"),
        pytest.param(Reply(301, "", b""), ThronAnswerInvalid, id="redirect"),
        pytest.param(Reply(200, "text/html", b"<html>"), ThronAnswerInvalid, id="200 page"),
        pytest.param(reply(resultCode="OK"), ThronAnswerInvalid, id="no token"),
        pytest.param(
            reply(resultCode="OK", appUserTokenId="a" * 8193),
            ThronAnswerInvalid,
            id="vast token",
        ),
        pytest.param(
            reply(resultCode="OK", appUserTokenId="a\r\nb"), ThronAnswerInvalid, id="odd token"
        ),
    ],
)
def test_login_refused(answer: Reply, error: type[ThronError]) -> None:
    """A refusal is told from THRON's own troubles, whatever its status."""
    with pytest.raises(ThronError) as raised:
        login("acme", "app", "k3y").decipher(answer)
    assert type(raised.value) is error
    assert "k3y" not in str(raised.value)


def test_a_refusal_names_the_mend() -> None:
    """The operator reads which of his values is wrong."""
    with pytest.raises(CredentialsRefused, match="app key does not belong to the app id"):
        login("acme", "app", "k").decipher(reply(418, resultCode="APP_AUTHENTICATION_FAILED"))


@pytest.mark.parametrize(
    ("answer", "is_good"),
    [
        pytest.param(reply(resultCode="OK", tokenId=TOKEN), True, id="OK"),
        pytest.param(reply(tokenId=TOKEN), True, id="no code"),
        pytest.param(Reply(200, "text/plain", b"true"), True, id="text"),
        pytest.param(Reply(403, "text/plain", b"expired"), False, id="403"),
        pytest.param(reply(418, resultCode="ACCESS_DENIED"), False, id="418 denied"),
        pytest.param(
            reply(200, resultCode="OK", ssoCode="SESSION_EXPIRED"), False, id="200 expired"
        ),
        pytest.param(reply(418, resultCode="SESSION_NON_FOUND"), False, id="no session"),
        pytest.param(reply(418, resultCode="USERNAME_NOT_FOUND"), False, id="another code"),
    ],
)
def test_validity(answer: Reply, *, is_good: bool) -> None:
    """A token is good or not by what THRON says."""
    assert validate("acme").decipher(answer) is is_good


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Reply(503, "", b""), ThronUnreachable),
        (Reply(429, "", b""), ThronBusy),
        (Reply(404, "text/html", b"<html>"), ThronAnswerInvalid),
        (Reply(200, "text/html", b"<html>"), ThronAnswerInvalid),
        (reply(418, resultCode="EXCEPTION"), ThronUnreachable),
    ],
    ids=["503", "429", "404 page", "200 page", "exception"],
)
def test_validity_unknown(answer: Reply, error: type[ThronError]) -> None:
    """THRON's troubles say nothing about the token."""
    with pytest.raises(error):
        validate("acme").decipher(answer)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param(Reply(200, "text/html", b"<html>"), ThronAnswerInvalid, id="a page"),
        pytest.param(Reply(200, "text/plain", b""), ThronAnswerInvalid, id="nothing"),
        pytest.param(Reply(200, "text/plain", b"no token"), ThronAnswerInvalid, id="words"),
        pytest.param(Reply(403, "text/plain", b"no"), CredentialsRefused, id="403"),
    ],
)
def test_no_user_token(answer: Reply, error: type[ThronError]) -> None:
    """What is no token is not taken for the token of the user to act as."""
    user = Credentials("acme", "app", "key", username="ann")
    with pytest.raises(error):
        act_as(user, app_key="key").decipher(answer)


def test_user_token() -> None:
    """The token comes as text, in quotes or without."""
    user = Credentials("acme", "app", "key", username="ann")
    for body in (TOKEN, f'"{TOKEN}"', f" {TOKEN}\n"):
        answer = Reply(200, "text/plain", body.encode())
        assert act_as(user, app_key="key").decipher(answer) == TOKEN
