"""The image: its steps, run in a plain directory as they stand in the Dockerfile."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.deploy.recipes import DEPLOY, ROOT
from tests.process import command, serving

TEXT = (DEPLOY / "Dockerfile").read_text("utf-8")
STEPS = re.findall(
    r"^(\w+) (.+)$",
    re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", TEXT, flags=re.MULTILINE)),
    re.MULTILINE,
)
_CURL = re.compile(r"curl -fo \S+ (http\S+)")


def _only(instruction: str) -> str:
    (found,) = [str(rest) for word, rest in STEPS if word == instruction]
    return found


def _pinned(path: Path) -> dict[str, str]:
    pins = re.findall(r"^([\w.-]+)==([\w.]+)", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in pins}


@pytest.mark.parametrize("name", ["requirements.txt", "build-requirements.txt"])
def test_image_has_what_was_tested(name: str) -> None:
    """The image's packages have the versions of the tests, each with its hashes."""
    pins = _pinned(DEPLOY / name)
    tested = _pinned(ROOT / "constraints.txt")
    assert pins
    assert pins == {each: tested.get(each) for each in pins}, "run make hashes"
    blocks = re.split(r"\n(?=\w)", (DEPLOY / name).read_text("utf-8").strip())
    assert all("--hash=sha256:" in block for block in blocks[1:])


def test_image_has_every_dependency() -> None:
    """What the connector needs, and the driver of PostgreSQL, is among the image's packages."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["postgresql"]]
    names = {re.split(r"[^\w.-]", each)[0].lower() for each in wanted}
    assert not names - _pinned(DEPLOY / "requirements.txt").keys(), "run make hashes"


def test_image_has_no_rights() -> None:
    """The image names a user by number, so that Kubernetes can tell that it is not root."""
    user, group = _only("USER").split(":")
    assert int(user) == int(group) > 1000


def test_user_needs_no_name_and_no_home(tmp_path: Path) -> None:
    """As a user that the machine does not know the connector opens its state, and says nothing."""
    user, group = _only("USER").split(":")
    as_user = ("unshare", "--user", f"--map-user={user}", f"--map-group={group}")
    done = subprocess.run(
        [*as_user, sys.executable, "-m", "proxy", "connectors", "export"],
        cwd=ROOT,
        env={"STATE_DIRECTORY": str(tmp_path)},
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "connector.db").is_file()


def test_root_may_be_read_only(tmp_path: Path) -> None:
    """It serves where nothing but its state can be written, as with ``docker run --read-only``."""
    script = (
        'mount --bind "$0" "$0" && mount -o remount,bind,ro / && ! touch "$1" && shift && exec "$@"'
    )
    alone = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script)
    program = (*alone, str(tmp_path), "/beside", sys.executable, "-m", "proxy")
    environ = {"STATE_DIRECTORY": str(tmp_path), "TDC_LISTEN": "127.0.0.1:0"}
    environ |= {"TDC_ADMIN_LISTEN": "127.0.0.1:0", "TDC_LAME_DUCK_S": "0"}
    with command("serve", environ=environ, program=program) as connector:
        public = connector.event("listening")["public"]
        with urlopen(f"http://{public}/-/livez") as answer:
            assert answer.status == 200


def test_health_check_tells_a_connector_from_none(tmp_path: Path) -> None:
    """The health check passes while the connector answers, and fails when it does not."""
    words = json.loads(_only("HEALTHCHECK").partition("CMD ")[2])
    words[0] = sys.executable
    with serving({"STATE_DIRECTORY": str(tmp_path)}) as (_, public, _admin):
        here = [word.replace("127.0.0.1:8080", public) for word in words]
        assert here != words
        assert subprocess.run(here, check=False).returncode == 0
    ended = subprocess.run(here, check=False, capture_output=True)
    assert ended.returncode != 0


@pytest.mark.soak
def test_steps_give_a_connector(tmp_path: Path) -> None:
    """The steps of the first stage, run one by one, give a program that serves."""
    source = tmp_path / "src"
    source.mkdir()
    second_stage = [number for number, (word, _) in enumerate(STEPS) if word == "FROM"][1]
    for word, rest in STEPS[:second_stage]:
        if word == "COPY":
            *files, target = shlex.split(rest)
            _copied(files, source / target)
        elif word == "RUN":
            subprocess.run(
                ["sh", "-c", rest.replace("/opt", f"{tmp_path}/opt")],
                cwd=source,
                env={"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
                check=True,
            )
    program = tmp_path / "opt/thron-connector/bin" / json.loads(_only("ENTRYPOINT"))[0]
    with subprocess.Popen(
        [program, "demo"], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as demo:
        assert demo.stdout is not None
        try:
            url = next(each[1] for each in map(_CURL.search, demo.stdout) if each is not None)
            with urlopen(url) as answer:  # noqa: S310 - of our own demo
                assert answer.status == 200
                assert len(answer.read()) == int(answer.headers["Content-Length"])
        finally:
            demo.terminate()


def _copied(files: list[str], target: Path) -> None:
    for name in files:
        place = ROOT / name
        if place.is_dir():
            shutil.copytree(place, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            (target if len(files) > 1 else target.parent).mkdir(parents=True, exist_ok=True)
            shutil.copy(place, target)
