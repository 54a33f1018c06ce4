"""The tree of errors: each with a status, a registered name, and words for strangers."""

import re
from collections.abc import Iterator

import pytest

from proxy import errors
from proxy.errors import ConfigurationError, GatewayError, ThronBusy, ThronUnreachable

# RFC 9209, 2.3: the error types that a gateway of ours can mean.
REGISTERED = {
    "dns_timeout",
    "dns_error",
    "destination_not_found",
    "destination_unavailable",
    "destination_ip_prohibited",
    "connection_refused",
    "connection_terminated",
    "connection_timeout",
    "connection_read_timeout",
    "connection_limit_reached",
    "tls_protocol_error",
    "tls_certificate_error",
    "http_request_error",
    "http_request_denied",
    "http_response_incomplete",
    "http_response_timeout",
    "http_protocol_error",
    "proxy_configuration_error",
    "proxy_internal_response",
    "proxy_internal_error",
}


def _tree(root: type[GatewayError]) -> Iterator[type[GatewayError]]:
    yield root
    for branch in root.__subclasses__():
        yield from _tree(branch)


KINDS = [kind for kind in _tree(GatewayError) if kind.__module__ == errors.__name__]


@pytest.mark.parametrize("kind", KINDS)
def test_what_an_error_says(kind: type[GatewayError]) -> None:
    """An error has a failing status, a registered name or none, and one sentence to be read."""
    assert 400 <= kind.status < 600
    assert kind.proxy_status is None or kind.proxy_status in REGISTERED
    assert re.fullmatch(r"[A-Z][^{}%/]+\.", kind.public)
    assert str(kind()) == kind.public


def test_docstring_is_the_tree() -> None:
    """The module opens with every class in it."""
    assert errors.__doc__ is not None
    for kind in [*KINDS, ConfigurationError]:
        assert re.search(rf"\b{kind.__name__}\b", errors.__doc__), kind


def test_one_instance_may_know_better() -> None:
    """Name and time of an instance go before those of its class, which keep theirs."""
    error = ThronBusy("words", proxy_status="dns_error", retry_after_s=7)
    assert (error.proxy_status, error.retry_after_s, str(error)) == ("dns_error", 7, "words")
    assert ThronBusy().retry_after_s == ThronBusy.retry_after_s
    assert GatewayError(retry_after_s=0).retry_after_s == 0


def test_an_answer_is_no_failure_to_get_one() -> None:
    """With the status that came, the class's error type is not claimed; one's own still is."""
    assert ThronUnreachable().proxy_status == "destination_unavailable"
    answered = ThronUnreachable(received_status=503)
    assert (answered.proxy_status, answered.received_status) == (None, 503)
    named = ThronUnreachable(proxy_status="http_protocol_error", received_status=503)
    assert (named.proxy_status, named.received_status) == ("http_protocol_error", 503)


def test_all_problems_of_an_operator() -> None:
    """A configuration error holds every problem, a line each."""
    error = ConfigurationError(["one", "two"])
    assert (error.problems, str(error)) == (("one", "two"), "one\ntwo")
