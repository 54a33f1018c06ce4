"""Certificates: read, refused, and renewed under a listener that serves."""

import asyncio
import resource
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from proxy.errors import ConfigurationError
from proxy.server.certificate import Certificate
from proxy.server.listeners import bind, serving
from tests.logs import logged
from tests.server.test_listeners import LOOPBACK, Story, nothing, roomy
from tests.waiting import until


def test_certificate_and_key_must_fit(tmp_path: Path) -> None:
    """A key of another certificate, or no PEM at all, is told with both settings."""
    authority = trustme.CA()
    one, other = (authority.issue_cert("localhost") for _ in range(2))
    certificate, key, junk = tmp_path / "cert", tmp_path / "key", tmp_path / "junk"
    one.cert_chain_pems[0].write_to_path(str(certificate))
    other.private_key_pem.write_to_path(str(key))
    junk.write_text("hello")
    for given in (key, junk, tmp_path / "none"):
        with pytest.raises(ConfigurationError, match=r"^TDC_TLS_CERT, TDC_TLS_KEY: "):
            Certificate(certificate, given)


async def test_renewed_without_a_reload(tmp_path: Path) -> None:
    """New handshakes use what the files hold by now; what cannot be used changes nothing."""
    pem = tmp_path / "pem"
    trusting = ssl.create_default_context()
    trusting.check_hostname = False

    def renew(name: str) -> None:
        authority = trustme.CA()
        authority.configure_trust(trusting)
        issued = authority.issue_cert(name)
        beside = tmp_path / "beside"
        issued.private_key_and_cert_chain_pem.write_to_path(str(beside))
        beside.rename(pem)

    renew("old.example")
    certificate = Certificate(pem, pem)
    with logged() as log, bind(LOOPBACK, setting="TDC_TLS_LISTEN") as sock:
        port = sock.getsockname()[1]

        async def shown() -> str:
            """Return the name in the certificate that a new connection is shown."""
            _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting)
            told = writer.get_extra_info("peercert")
            writer.transport.abort()
            name: str = told["subjectAltName"][0][1]
            return name

        async with (
            serving(Story().app, (sock, certificate), limiter=roomy(), drained=nothing),
            certificate.watched(look_every_s=0.01),
        ):
            assert await shown() == "old.example"
            renew("new.example")

            async def is_new() -> bool:
                return await shown() == "new.example"

            await until(is_new)
            pem.write_text("half a file")

            async def is_told() -> bool:
                return bool(log.of("certificate refused"))

            await until(is_told)
            assert await shown() == "new.example"
            renew("newest.example")

            async def is_newest() -> bool:
                return await shown() == "newest.example"

            await until(is_newest)
        assert len(log.of("certificate refused")) == 1
        assert len(log.of("certificate renewed")) == 2


def test_a_key_with_a_password(tmp_path: Path) -> None:
    """It is refused: nobody is there to type the password."""
    issued = trustme.CA().issue_cert("localhost")
    certificate, key = tmp_path / "cert", tmp_path / "key"
    issued.cert_chain_pems[0].write_to_path(str(certificate))
    secret = load_pem_private_key(issued.private_key_pem.bytes(), password=None)
    encrypted = BestAvailableEncryption(b"secret")
    key.write_bytes(secret.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, encrypted))
    with pytest.raises(ConfigurationError, match=r"^TDC_TLS_CERT, TDC_TLS_KEY: "):
        Certificate(certificate, key)


async def test_one_file_after_the_other(tmp_path: Path) -> None:
    """While only one of the two is new nothing is said, and both are used once they fit."""
    one, other = (trustme.CA().issue_cert("localhost") for _ in range(2))
    chain, key = tmp_path / "cert", tmp_path / "key"

    def write(issued: trustme.LeafCert, path: Path) -> None:
        is_key = path == key
        pem = issued.private_key_pem if is_key else issued.cert_chain_pems[0]
        beside = tmp_path / "beside"
        pem.write_to_path(str(beside))
        beside.rename(path)

    for path in (chain, key):
        write(one, path)
    certificate = Certificate(chain, key)
    first = certificate.context
    with logged() as log:
        async with certificate.watched(look_every_s=0.01, looks_before_told=1_000_000):
            write(other, key)
            await asyncio.sleep(0.1)  # some looks; none of them can be seen from outside
            assert certificate.context is first
            write(other, chain)

            async def is_renewed() -> bool:
                return certificate.context is not first

            await until(is_renewed)
    assert log.of("certificate renewed")
    assert not log.of("certificate refused")


async def test_what_could_not_be_read_is_read_again(tmp_path: Path) -> None:
    """A file that is refused for a while is taken later, though it has not changed meanwhile."""
    pem, beside = tmp_path / "pem", tmp_path / "beside"
    for path in (pem, beside):
        issued = trustme.CA().issue_cert("localhost")
        issued.private_key_and_cert_chain_pem.write_to_path(str(path))
    certificate = Certificate(pem, pem)
    first = certificate.context
    with logged() as log:
        async with certificate.watched(look_every_s=0.01):
            with _no_descriptor_left():
                beside.rename(pem)

                async def is_told() -> bool:
                    return bool(log.of("certificate refused"))

                await until(is_told)
                assert certificate.context is first

            async def is_renewed() -> bool:
                return certificate.context is not first

            await until(is_renewed)
    assert len(log.of("certificate refused")) == len(log.of("certificate renewed")) == 1


@contextmanager
def _no_descriptor_left() -> Iterator[None]:
    """Let nothing be opened; what is open works on."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_a_key_that_may_be_read_later(tmp_path: Path) -> None:
    """What was refused is read again once a file's owner or rights have changed."""
    issued = trustme.CA().issue_cert("new.example")
    pem = tmp_path / "pem"
    issued.private_key_and_cert_chain_pem.write_to_path(str(pem))
    certificate = Certificate(pem, pem)
    first = certificate.context
    with logged() as log:
        async with certificate.watched(look_every_s=0.01):

            async def is_read_again() -> bool:
                return certificate.context is not first

            pem.chmod(0o640)
            await until(is_read_again)
    assert log.of("certificate renewed")
