"""A peer that hangs, told from one that is slow."""

from proxy.thron.silence import Silence


def test_one_answer_ends_it() -> None:
    """While something is asked it grows; an answer to anything begins it anew."""
    silence = Silence()
    assert silence.seconds(100) == 0
    silence.begin(100)
    silence.begin(102)
    assert silence.seconds(103) == 3
    silence.end(103, is_heard=True)
    assert silence.seconds(104) == 1
    silence.end(105, is_heard=True)
    assert silence.seconds(1000) == 0


def test_it_outlasts_the_calls_that_ended_in_it() -> None:
    """Given up is not answered, and time in which nothing is asked does not count."""
    silence = Silence()
    for begin in (0, 100):
        silence.begin(begin)
        silence.end(begin + 10, is_heard=False)
    assert silence.seconds(1000) == 20
    silence.begin(1000)
    assert silence.seconds(1001) == 21
    silence.end(1001, is_heard=True)
    assert silence.seconds(1002) == 0
