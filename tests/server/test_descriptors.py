"""What the limit of open files allows."""

import resource

import pytest

from proxy.server.descriptors import affordable
from proxy.settings import Settings
from tests.logs import logged


def test_what_is_asked_for_where_it_fits() -> None:
    """Limits that the limit of open files allows are those that count, and nothing is told."""
    with logged() as log:
        assert affordable(Settings(max_downloads=3, max_connections=5)) == (3, 5)
        assert not log.of("limits lowered")


def test_lowered_where_it_does_not_fit() -> None:
    """What takes more descriptors than there can be is lowered, loudly."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY:
        pytest.skip("there is no limit here")
    with logged() as log:
        downloads, connections = affordable(Settings(max_downloads=hard, max_connections=hard))
        assert 3 * downloads <= hard
        in_the_kernel = hard // 16  # downloads that have a pipe and two copies, too
        assert downloads + connections + 4 * in_the_kernel <= hard
        (told,) = log.of("limits lowered")
        assert (told["max_downloads"], told["max_connections"]) == (downloads, connections)
