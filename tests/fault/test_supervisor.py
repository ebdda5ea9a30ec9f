"""Processes that die are started again; all end together; new ones come in one after the other."""

import asyncio
import os
import signal
import sys

import pytest

from server.supervising import Supervisor, answers_ready
from tests.fault.server_process import ROOT, free_port, until

_IN_TIME_S = 20.0


class Troupe:
    """A supervisor of small processes, and what it said."""

    def __init__(self, directory, *, processes=2):
        self.directory, self.said = directory, []
        self.ports = [free_port() for _ in range(processes)]
        self.stopping = asyncio.Event()
        self.supervisor = Supervisor(
            command=self._command,
            is_ready=lambda slot: answers_ready("127.0.0.1", self.ports[slot]),
            processes=processes,
            drain_within_s=2.0,
            say=self.said.append,
            stopping=self.stopping,
        )
        self.run = asyncio.ensure_future(self.supervisor.run())

    def _command(self, slot, pipe):
        program = str(ROOT / "tests" / "fault" / "small_worker.py")
        return [sys.executable, program, str(slot), str(self.ports[slot]), str(pipe), str(self.directory)]

    @property
    def lives(self):
        """(slot, pid) of every process that ever came up."""
        file = self.directory / "lives"
        lines = file.read_text().splitlines() if file.exists() else []
        return [tuple(int(word) for word in line.split()) for line in lines]

    async def serves(self):
        await until(lambda: any("serve" in line for line in self.said), within_s=_IN_TIME_S, what=f"{self.said}")

    async def is_up(self, slot):
        return await answers_ready("127.0.0.1", self.ports[slot])

    async def end(self):
        self.stopping.set()
        async with asyncio.timeout(_IN_TIME_S):
            return await self.run


@pytest.fixture
def troupe(io_loop, tmp_path):
    """Whatever happens, nothing of it lives on."""
    opened = []

    async def build(**options):
        opened.append(Troupe(tmp_path, **options))
        return opened[-1]

    yield build
    for one in opened:
        io_loop.asyncio_loop.run_until_complete(one.end())


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_a_killed_process_comes_back_and_the_other_is_left_alone(troupe):
    two = await troupe()
    await two.serves()
    (first, killed), (second, other) = sorted(two.lives)
    assert (first, second) == (0, 1)
    os.kill(killed, signal.SIGKILL)
    await until(lambda: len(two.lives) == 3, within_s=_IN_TIME_S, what="a third life")
    assert two.lives[2][0] == 0 and two.lives[2][1] != killed
    await until(lambda: two.is_up(0), within_s=_IN_TIME_S, what="process 0 is up")
    assert is_alive(other)
    assert any("process 0 ended with -9" in line for line in two.said)


async def test_pauses_grow_while_a_process_dies_at_once(troupe):
    two = await troupe()
    await two.serves()
    for deaths in range(1, 4):
        await until(lambda deaths=deaths: len(two.lives) == 1 + deaths, within_s=_IN_TIME_S, what=f"life {deaths}")
        os.kill(max(two.lives, key=two.lives.index)[1] if deaths > 1 else dict(two.lives)[1], signal.SIGKILL)
    await until(lambda: len([line for line in two.said if "ended" in line]) == 3, within_s=_IN_TIME_S, what="three")
    assert [line.rsplit(" in ", 1)[1] for line in two.said if "ended" in line] == ["0.2 s", "1 s", "2 s"]


async def test_all_end_with_the_supervisor(troupe):
    two = await troupe()
    await two.serves()
    assert await two.end() == 0
    assert not any(is_alive(pid) for _, pid in two.lives)
    assert len(two.lives) == 2


async def test_processes_of_a_killed_supervisor_end_by_their_pipe(tmp_path):
    port = free_port()
    reading, writing = os.pipe()
    program = (str(ROOT / "tests" / "fault" / "small_worker.py"), "0", str(port), str(reading), str(tmp_path))
    orphan = await asyncio.create_subprocess_exec(sys.executable, *program, pass_fds=(reading,))
    await until(lambda: answers_ready("127.0.0.1", port), within_s=_IN_TIME_S, what="up")
    os.close(writing)
    async with asyncio.timeout(_IN_TIME_S):
        assert await orphan.wait() == 0
    os.close(reading)


async def test_rolling_replaces_one_after_the_other(troupe):
    two = await troupe()
    await two.serves()
    before = dict(two.lives)
    two.supervisor.roll()
    await until(lambda: "rolled" in two.said, within_s=_IN_TIME_S, what="rolled")
    assert [slot for slot, _ in two.lives[2:]] == [0, 1]
    assert not any(is_alive(pid) for pid in before.values())
    assert not any("ended" in line for line in two.said), "who was told to end did not die"


@pytest.mark.slow
async def test_rolling_stops_at_a_process_that_does_not_become_ready(troupe, tmp_path, monkeypatch):
    monkeypatch.setattr("server.supervising._READY_WITHIN_S", 3.0)
    two = await troupe()
    await two.serves()
    before = dict(two.lives)
    (tmp_path / "broken-0").touch()
    two.supervisor.roll()
    await until(lambda: any("rolling stopped" in line for line in two.said), within_s=_IN_TIME_S, what="stopped")
    assert is_alive(before[1]) and await two.is_up(1), "the other one serves on as it was"


async def test_a_configuration_that_is_refused_ends_it_all_with_its_exit_code(troupe, tmp_path):
    (tmp_path / "refuse").touch()
    two = await troupe()
    async with asyncio.timeout(_IN_TIME_S):
        assert await two.run == 2
    assert two.lives == []


async def test_once_they_served_a_refusal_is_tried_again(troupe, tmp_path):
    two = await troupe()
    await two.serves()
    (tmp_path / "refuse").touch()
    os.kill(dict(two.lives)[1], signal.SIGKILL)
    await until(lambda: any("ended with 2" in line for line in two.said), within_s=_IN_TIME_S, what="it was refused")
    (tmp_path / "refuse").unlink()
    await until(lambda: len(two.lives) == 3, within_s=_IN_TIME_S, what="a life after it")
    assert not two.run.done()
