"""Lines on their way to a stream, whether it is read or not."""

import asyncio
import io
import os
import select
import threading
from collections.abc import Iterator

import pytest
from typing_extensions import Buffer

from proxy.telemetry.line_writer import LineWriter
from tests.logs import logged
from tests.waiting import until

LINE = b"x" * 99 + b"\n"


class _Counted(io.BytesIO):
    """Counts what is written."""

    writes = 0

    def write(self, octets: Buffer) -> int:
        """Write, and count it."""
        self.writes += 1
        return super().write(octets)


async def test_lines_of_one_turn_are_written_together() -> None:
    """A line waits for the end of the loop's turn, and for no more than a crowd of others."""
    stream = _Counted()
    writer = LineWriter(stream)
    for _ in range(3):
        writer.write(b"line\n")
    assert stream.writes == 0
    await asyncio.sleep(0)
    assert (stream.writes, stream.getvalue()) == (1, b"line\n" * 3)
    for _ in range(1000):
        writer.write(b"line\n")
    assert stream.writes > 1
    await asyncio.sleep(0)
    assert stream.getvalue().count(b"\n") == 1003


def test_no_line_waits_for_a_loop_that_has_ended() -> None:
    """What is told as a loop ends is written when the next one turns, or at the end."""
    stream = io.BytesIO()
    writer = LineWriter(stream)
    loop = asyncio.new_event_loop()
    loop.call_soon(loop.stop)
    loop.call_soon(writer.write, b"last of one\n")
    loop.run_forever()
    loop.close()

    async def tell() -> None:
        writer.write(b"first of another\n")

    asyncio.run(tell())
    assert stream.getvalue() == b"last of one\nfirst of another\n"
    writer.write(b"no loop\n")
    assert stream.getvalue().endswith(b"no loop\n")


async def test_a_stream_that_fails_costs_lines_alone() -> None:
    """A full disk stops nothing."""
    stream = io.BytesIO()
    writer = LineWriter(stream)
    stream.close()
    writer.write(b"line\n")
    await asyncio.sleep(0)
    writer.write_out()


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


async def test_a_pipe_that_nobody_reads_blocks_nobody(pipe: tuple[int, int]) -> None:
    """Lines wait for their reader; each comes whole and in order, and what was dropped is told."""
    written = [b"%099d\n" % number for number in range(20_000)]
    with logged() as told, os.fdopen(os.dup(pipe[1]), "wb") as stream:
        writer = LineWriter(stream)
        for number, line in enumerate(written):
            writer.write(line)
            if number % 100 == 0:
                await asyncio.sleep(0)
        read = b""

        async def is_told() -> bool:
            nonlocal read
            while select.select([pipe[0]], [], [], 0)[0]:
                read += os.read(pipe[0], 65536)
            return bool(told.of("log lines dropped"))

        await until(is_told)
        (warning,) = told.of("log lines dropped")
        lines = read.splitlines(keepends=True)
        assert lines == written[: len(lines)]
        assert warning["lines"] == len(written) - len(lines)
        assert 1_000_000 < len(read) < 1_200_000  # what the pipe holds, and what waited
        writer.write(b"on again\n")
        await asyncio.sleep(0)
        assert os.read(pipe[0], 65536) == b"on again\n"


async def test_lines_of_several_writers_do_not_mix(pipe: tuple[int, int]) -> None:
    """Processes that share a pipe write whole lines into it, as long as a line is not very long."""
    with os.fdopen(os.dup(pipe[1]), "wb") as stream:
        writers = [LineWriter(stream) for _ in range(3)]
        for _ in range(500):
            for number, writer in enumerate(writers):
                writer.write(b"%d" % number * 99 + b"\n")
        read = b""

        async def is_read() -> bool:
            nonlocal read
            while select.select([pipe[0]], [], [], 0)[0]:
                read += os.read(pipe[0], 10_000)
            return len(read) == 3 * 500 * 100

        await until(is_read)
    assert set(read.splitlines()) == {b"0" * 99, b"1" * 99, b"2" * 99}


async def test_a_long_line_comes_whole(pipe: tuple[int, int]) -> None:
    """One longer than a pipe holds, such as a traceback, goes out piece by piece."""
    line = bytes(range(1, 256)) * 2000 + b"\n"
    with os.fdopen(os.dup(pipe[1]), "wb") as stream:
        LineWriter(stream).write(line)
        read = b""

        async def is_read() -> bool:
            nonlocal read
            while select.select([pipe[0]], [], [], 0)[0]:
                read += os.read(pipe[0], 65536)
            return len(read) == len(line)

        await until(is_read)
    assert read == line


def test_the_end_waits_for_a_reader_that_reads(pipe: tuple[int, int]) -> None:
    """Nothing is lost then; for one that has stopped a process waits no more than some seconds."""
    with os.fdopen(os.dup(pipe[1]), "wb") as stream:
        writer = LineWriter(stream)
        for _ in range(5000):
            writer.write(LINE)
        taken: list[bytes] = []

        def take() -> None:
            while sum(map(len, taken)) < 5000 * len(LINE):
                taken.append(os.read(pipe[0], 65536))

        reader = threading.Thread(target=take)
        reader.start()
        writer.close()
        reader.join()
        assert b"".join(taken) == LINE * 5000
        for _ in range(5000):
            writer.write(LINE)
        writer.close()


def test_a_reader_that_has_left_costs_lines_alone() -> None:
    """A pipe without a reader stops nothing, and keeps nothing waiting."""
    reader, end = os.pipe()
    os.close(reader)
    with os.fdopen(end, "wb") as stream:
        writer = LineWriter(stream)
        for _ in range(20_000):
            writer.write(LINE)
        writer.close()
