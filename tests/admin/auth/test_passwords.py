"""Passwords: what is taken, and what is kept of them."""

import asyncio
import threading

import argon2
import pytest

from proxy.admin.auth.passwords import PasswordHashes, fingerprint, problem

# As good as any, and quick.
LIGHT = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.mark.parametrize(
    "password",
    [
        pytest.param("walnut harbour lantern", id="words"),
        pytest.param("tR4!x9_qpL2v", id="twelve characters"),
        pytest.param("così è se vi pare", id="letters of other languages"),
        pytest.param("日本語のパスワードはこれです", id="another script"),
        pytest.param("x y z u v w a b c d", id="blanks count"),
    ],
)
def test_taken(password: str) -> None:
    """Long passwords are taken, whatever they are made of."""
    assert problem(password, not_="acme") is None


@pytest.mark.parametrize(
    "password",
    [
        pytest.param("", id="none"),
        pytest.param("tR4!x9_qpL2", id="eleven characters"),
        pytest.param("Password1234", id="password and digits"),
        pytest.param("passwordpassword", id="twice"),
        pytest.param("P4ssw0rd!2026!", id="in disguise"),
        pytest.param("thron-connector-admin", id="the product"),
        pytest.param("aaaaaaaaaaaaaaaa", id="one character"),
        pytest.param("abababababababab", id="two characters"),
        pytest.param("123456789012", id="digits in a row"),
        pytest.param("abcdefghijklmnop", id="the alphabet"),
        pytest.param("zyxwvutsrqponm", id="the alphabet backwards"),
        pytest.param("qwertyuiopas", id="the keyboard"),
        pytest.param("Acme-Password-1", id="the tenant"),
        pytest.param("correct horse battery staple", id="the famous one"),
        pytest.param("x" * 600 + "y" * 600, id="a novel"),
    ],
)
def test_refused(password: str) -> None:
    """What is short, or would be tried first, is refused with a reason."""
    assert str(problem(password, not_="acme"))
    assert problem(password, not_="acme") is not None


@pytest.mark.parametrize("part", ["123", "admin", "abc", "asdf", "!!"])
def test_judging_ends(part: str) -> None:
    """No password keeps the judge busy, however often its parts repeat."""
    assert problem(part * 200 + "é") is not None or part


async def test_hashes() -> None:
    """A hash is argon2id's, fits its password alone, and differs each time."""
    hashes = PasswordHashes(hasher=LIGHT)
    first, second = await hashes.make("walnut"), await hashes.make("walnut")
    assert first.startswith("$argon2id$")
    assert first != second
    assert await hashes.fits("walnut", first)
    assert not await hashes.fits("walnuts", first)
    assert not await hashes.fits("walnut", "no hash at all")


async def test_the_usual_hash_is_costly() -> None:
    """Without other wishes a hash takes 64 MiB, as RFC 9106 advises, and one core."""
    assert "m=65536,t=3,p=1" in await PasswordHashes().make("walnut")


async def test_a_known_browser_has_a_place_of_its_own() -> None:
    """While strangers' passwords are checked one after the other, somebody known does not wait."""
    hashes = PasswordHashes()
    hash_ = await hashes.make("walnut")
    strangers = [asyncio.create_task(hashes.fits("guess", hash_)) for _ in range(20)]
    assert await hashes.fits("walnut", hash_, is_known=True)
    assert not all(each.done() for each in strangers)
    for each in strangers:
        each.cancel()
    await asyncio.gather(*strangers, return_exceptions=True)


async def test_few_are_checked_at_once() -> None:
    """Checks that nobody waits for any more do not add to those that run (they cannot be ended)."""
    hashes = PasswordHashes()
    hash_ = await hashes.make("walnut")
    before = threading.active_count()
    for _ in range(20):
        left = asyncio.create_task(hashes.fits("guess", hash_))
        await asyncio.sleep(0)
        left.cancel()
        await asyncio.gather(left, return_exceptions=True)
    assert threading.active_count() <= before + 1
    assert await hashes.fits("walnut", hash_)


async def test_one_spelling() -> None:
    """An accent is the same however the keyboard composes it."""
    hashes = PasswordHashes(hasher=LIGHT)
    assert await hashes.fits("cosi\u0300", await hashes.make("cos\u00ec"))


def test_fingerprints_tell_passwords_apart() -> None:
    """A fingerprint stands for one hash, and is not the hash."""
    assert fingerprint("a") != fingerprint("b")
    assert "a" * 20 not in fingerprint("a" * 20)
