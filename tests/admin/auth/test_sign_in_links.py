"""Links that let in without a password."""

from proxy.admin.auth.sign_in_links import SET_UP_LIVES_S, Purpose, SignInLinks


def test_a_link_works_once() -> None:
    """A link of the first start is good until it is used."""
    links = SignInLinks()
    secret = links.set_up(now=0)
    assert links.purpose(secret, now=1) is Purpose.SET_UP
    assert links.use(secret, now=1) is Purpose.SET_UP
    assert links.use(secret, now=1) is None


def test_a_link_ends() -> None:
    """A link of the first start is good for 15 minutes."""
    links = SignInLinks()
    secret = links.set_up(now=100)
    assert links.purpose(secret, now=100 + SET_UP_LIVES_S - 1) is Purpose.SET_UP
    assert links.purpose(secret, now=100 + SET_UP_LIVES_S) is None
    assert SET_UP_LIVES_S == 15 * 60


def test_one_link_at_a_time() -> None:
    """A new link of the first start ends the one before."""
    links = SignInLinks()
    first, second = links.set_up(now=0), links.set_up(now=0)
    assert (links.purpose(first, now=0), links.purpose(second, now=0)) == (None, Purpose.SET_UP)


def test_the_demo_s_link_stays() -> None:
    """The demo's link lets in as often as it is opened."""
    links = SignInLinks()
    secret = links.demo()
    links.set_up(now=0)
    assert [links.use(secret, now=1e9) for _ in range(2)] == [Purpose.DEMO] * 2


def test_secrets() -> None:
    """A secret is long and random, is not kept, and nothing else opens."""
    links = SignInLinks()
    secret = links.set_up(now=0)
    assert len(secret) == 43
    assert secret not in repr(vars(links))
    assert links.use("", now=0) is None
    assert links.use(secret[:-1], now=0) is None
