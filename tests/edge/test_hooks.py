"""Hooks as the file has them: presets, templates, and every slip told at once."""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from proxy.edge.hooks import PRESETS, PurgeHook, read_hooks, signature
from proxy.errors import ConfigurationError

TAGS = ("connector-a", "content-b%2Fc", "content-d.e")


def hooks(home: Path, text: str, *, content: str = "s3cret\n") -> tuple[PurgeHook, ...]:
    """Read a file with a secret beside it; SECRET in the text is its path."""
    (secret := home / "secret").write_text(content)
    (file := home / "hooks.toml").write_text(text.replace("SECRET", str(secret)))
    return read_hooks(file)


def sent(hook: PurgeHook) -> tuple[str, str, Mapping[str, str], str]:
    """Return method, URL, fields and body of the request for TAGS."""
    (request,) = hook.requests(TAGS, message="7", timestamp=1_700_000_000)
    return request.method, request.url, request.fields, request.body.decode()


def test_varnish(tmp_path: Path) -> None:
    """By xkey the tags go as they are; by a ban, as an expression that finds each whole."""
    by_xkey, by_ban = hooks(
        tmp_path,
        """
        hook = [
            {name = "xkey", preset = "varnish-xkey", url = "http://varnish:6081/"},
            {name = "ban", preset = "varnish-ban", url = "http://varnish:6081/"},
        ]""",
    )
    assert sent(by_xkey) == (
        "PURGE",
        "http://varnish:6081/",
        {"xkey-purge": "connector-a content-b%2Fc content-d.e"},
        "",
    )
    method, _, fields, _ = sent(by_ban)
    assert method == "BAN"
    found = re.compile(fields["ban-surrogate-key"])
    for key in ("connector-a", "connector-z content-d.e", "x content-b%2Fc y"):
        assert found.search(key)
    for key in ("connector-a2", "content-dxe", "connector-", "my-connector-a"):
        assert not found.search(key)


def test_fastly_and_cloudflare(tmp_path: Path) -> None:
    """Their APIs are asked as they document it, with the secret of the file."""
    fastly, cloudflare = hooks(
        tmp_path,
        """
        [[hook]]
        name = "fastly"
        preset = "fastly"
        service = "SU1Z0isxPaozGVKXdv0eY"
        secret_file = "SECRET"
        [[hook]]
        name = "cloudflare"
        preset = "cloudflare"
        zone = "023e105f4ecef8ad9ca31a8372d0c353"
        secret_file = "SECRET"
        """,
    )
    method, url, fields, body = sent(fastly)
    assert (method, url) == ("POST", "https://api.fastly.com/service/SU1Z0isxPaozGVKXdv0eY/purge")
    assert fields["Fastly-Key"] == "s3cret"
    assert json.loads(body) == {"surrogate_keys": [*TAGS]}
    method, url, fields, body = sent(cloudflare)
    assert url.endswith("/zones/023e105f4ecef8ad9ca31a8372d0c353/purge_cache")
    assert fields["Authorization"] == "Bearer s3cret"
    assert json.loads(body) == {"tags": [*TAGS]}


def test_webhook(tmp_path: Path) -> None:
    """Whoever knows the secret can tell that it is from us, and new (Standard Webhooks)."""
    (hook,) = hooks(
        tmp_path,
        '[[hook]]\nname="w"\npreset="webhook"\nurl="https://e.example/"\nsecret_file="SECRET"',
    )
    _, _, fields, body = sent(hook)
    assert (fields["webhook-id"], fields["webhook-timestamp"]) == ("7-0", "1700000000")
    signed = f"7-0.1700000000.{body}".encode()
    expected = base64.b64encode(hmac.digest(b"s3cret", signed, hashlib.sha256)).decode()
    assert fields["webhook-signature"] == f"v1,{expected}"
    said = json.loads(body)
    assert (said["id"], said["data"]) == ("7-0", {"tags": [*TAGS]})


def test_standard_webhooks() -> None:
    """The signature is that of their published example."""
    signed = signature(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        id_="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp=1_614_265_330,
        body='{"test": 2432232314}',
    )
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("secret", ["whsec_", "whsec_no base64", "whsec_c2VjcmV0I", "whsec_ab-_"])
def test_a_secret_that_says_it_is_base64_and_is_not(tmp_path: Path, secret: str) -> None:
    """Receivers would make another key of it: it is refused with what to do, and not shown."""
    text = '[[hook]]\nname="w"\npreset="webhook"\nurl="https://e.example/"\nsecret_file="SECRET"'
    with pytest.raises(ConfigurationError) as refused:
        hooks(tmp_path, text, content=secret)
    (problem,) = refused.value.problems
    assert "hook w: secret_file: " in problem
    assert "openssl rand -base64 32" in problem
    assert not secret.removeprefix("whsec_") or secret not in problem


def test_another_service_s_secret_can_begin_as_it_likes(tmp_path: Path) -> None:
    """Where nothing is signed with it, it goes out as it is."""
    (hook,) = hooks(
        tmp_path,
        '[[hook]]\nname="c"\nurl="http://c/"\nbody="{tags} {secret}"\nsecret_file="SECRET"',
        content="whsec_no base64",
    )
    assert sent(hook)[3].endswith(" whsec_no base64")


def test_a_request_of_one_s_own(tmp_path: Path) -> None:
    """Any request can be written; many tags go in several, in a URL percent-encoded."""
    (hook,) = hooks(
        tmp_path,
        """
        [[hook]]
        name = "own"
        method = "PUT"
        url = "http://cache/{tags_comma}"
        tags_per_request = 2
        """,
    )
    urls = [each.url for each in hook.requests(TAGS, message="1", timestamp=1)]
    assert urls == ["http://cache/connector-a,content-b%252Fc", "http://cache/content-d.e"]


def test_what_a_value_holds_is_no_placeholder(tmp_path: Path) -> None:
    """A tag is not read as a part of the template."""
    (hook,) = hooks(tmp_path, '[[hook]]\nname="own"\nurl="http://cache/"\nbody="{tags} {id}"')
    (request,) = hook.requests(["{id}"], message="1", timestamp=1)
    assert request.body == b"{id} 1-0"


def test_secrets_stand_in_no_words_of_ours(tmp_path: Path) -> None:
    """What is printed of a hook or of its request shows none of it."""
    (hook,) = hooks(
        tmp_path,
        '[[hook]]\nname="c"\nurl="http://c/{secret}"\nbody="{tags}"\nsecret_file="SECRET"',
    )
    (request,) = hook.requests(TAGS, message="1", timestamp=1)
    assert "s3cret" in request.url
    assert "s3cret" not in f"{hook!r}{request!r}"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("hook = 7", ["tables [[hook]]"], id="no table"),
        pytest.param("", ["tables [[hook]]"], id="nothing"),
        pytest.param("[[hook]", ["cannot be read as TOML"], id="no TOML"),
        pytest.param(
            '[[hook]]\nname="a"\npreset="akamai"', ["choose from varnish-xkey"], id="kind"
        ),
        pytest.param(
            '[[hook]]\nname="A b"\nurl="ftp://x"\nbody="{tags}"\nmethd="POST"',
            ["name:", "methd:"],
            id="names",
        ),
        pytest.param(
            '[[hook]]\nname="a"\npreset=["fastly"]', ["preset: choose"], id="kind that is a list"
        ),
        pytest.param(
            '[[hook]]\nname="a"\npreset="fastly"', ["service: write", "secret_file"], id="lacks"
        ),
        pytest.param(
            '[[hook]]\nname="a"\nurl="http://x"\nbody="{tags}"\n'
            "fields={'A b'='1', 'C'='2'}\ntags_per_request=true\nsecret_file=7",
            ["fields: write", "tags_per_request: write", "secret_file: write"],
            id="all at once",
        ),
        pytest.param(
            '[[hook]]\nname="a"\nurl="http://x:99999/"\nbody="{tagz}"\nfields={Connection="x"}',
            ["url: write", "{tagz}: choose from", "fields: write"],
            id="port, placeholder, framing",
        ),
        pytest.param('[[hook]]\nurl="http://x/{tags} "', ["name: give", "url: write"], id="blank"),
        pytest.param("hook = [7]", ["hook 1: name: give", "hook 1: url: write"], id="a number"),
        pytest.param('[[hook]]\nname="a"\nurl="http://x/{url}"', ["names no tags"], id="by URL"),
        pytest.param(
            '[[hook]]\nname="a"\nurl="x"\nbody="{tags}"\n[hook.fields]\nA="b\\nC: d"',
            ["url: write", "without a line break"],
            id="no URL, two lines",
        ),
        pytest.param(
            '[[hook]]\nname="a"\npreset="webhook"\nurl="http://x"\nsecret_file="/no/such"',
            ["/no/such cannot be read"],
            id="secret",
        ),
        pytest.param(
            '[[hook]]\nname="a"\npreset="varnish-ban"\nurl="http://x/"\n' * 2,
            ["another"],
            id="twice",
        ),
    ],
)
def test_slips(tmp_path: Path, text: str, told: list[str]) -> None:
    """Each is told with the setting; nothing is sent by half a file."""
    with pytest.raises(ConfigurationError) as refused:
        hooks(tmp_path, text)
    for words in told:
        assert words in str(refused.value)
    place = f"TDC_PURGE_HOOKS: {tmp_path / 'hooks.toml'}"
    assert all(each.startswith(place) for each in refused.value.problems)


def test_every_preset_is_documented() -> None:
    """docs/caches.md has an example of each."""
    page = (Path(__file__).parents[2] / "docs" / "caches.md").read_text("utf-8")
    assert {each for each in PRESETS if f'preset = "{each}"' not in page} == set()
