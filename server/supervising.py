"""Several processes on one port: started, watched, rolled.

The parent serves nothing. It starts a process a core, starts a dead one again with growing pauses, hands SIGTERM
and SIGINT on so that all drain, and on SIGHUP replaces one after the other, the next only when the former is
green: so a new version or a new configuration comes in without a moment in which nobody answers.
"""

import asyncio
import logging
import os
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from server.core.tasks import Tasks

_log = logging.getLogger(__name__)
_PAUSES_S = (0.2, 1.0, 2.0, 5.0, 10.0, 30.0)  # the last one repeats
_SOUND_AFTER_S = 60.0  # who lived so long begins again with the first pause
_READY_WITHIN_S = 60.0  # a migration of a large store may come first
_GRACE_S = 3.0  # beyond the drain, then SIGKILL
_ASK_EVERY_S = 0.1
_REFUSALS = (1, 2)  # a configuration that cannot serve; starting it again helps nobody

Say = Callable[[str], None]


@dataclass(slots=True)
class _Worker:
    slot: int
    process: asyncio.subprocess.Process | None = None
    begun_s: float = 0.0
    deaths: int = 0  # in a row
    rolls: bool = False  # it was told to end; the next one comes without a pause

    @property
    def is_alive(self) -> bool:
        return self.process is not None and self.process.returncode is None


class Supervisor:
    """`run` until `stopping` is set; `roll` replaces all, one after the other.

    `command(slot, pipe)` is how a process is started; it ends when the pipe does. `is_ready(slot)` asks it.
    """

    def __init__(
        self,
        *,
        command: Callable[[int, int], list[str]],
        is_ready: Callable[[int], Awaitable[bool]],
        processes: int,
        drain_within_s: float,
        say: Say,
        stopping: asyncio.Event,
    ) -> None:
        self._command = command
        self._is_ready = is_ready
        self._drain_within_s = drain_within_s
        self._say = say
        self._workers = [_Worker(slot) for slot in range(processes)]
        self._tasks = Tasks("supervisor")
        self._stopping = stopping
        self._roll_wanted = asyncio.Event()
        self._exit_code = 0
        self._proven = False  # some process was ready once, so the configuration is sound
        self._pipe = os.pipe()

    def roll(self) -> None:
        """Asked for while it goes on: once more afterwards."""
        self._roll_wanted.set()

    @property
    def pids(self) -> list[int]:
        """Of the living, by slot."""
        return [worker.process.pid for worker in self._workers if worker.process is not None and worker.is_alive]

    async def run(self) -> int:
        """Serve until told to stop, or until the first process refuses its configuration; the exit code."""
        first, *others = self._workers
        self._tasks.forever("keep 0", lambda: self._keep(first))
        await self._ready_or_over(first)  # it migrates and plants; the others find that done
        for worker in others:
            self._tasks.forever(f"keep {worker.slot}", lambda worker=worker: self._keep(worker))
        self._tasks.forever("roll", self._roll_when_wanted)
        if not self._stopping.is_set():
            await asyncio.gather(*(self._ready_or_over(worker) for worker in others))
            if not self._stopping.is_set():
                self._say(f"{len(self._workers)} processes serve")
        await self._stopping.wait()
        await self._end_all()
        await self._tasks.stop()
        for end in self._pipe:
            os.close(end)
        return self._exit_code

    async def _keep(self, worker: _Worker) -> None:
        """One process after the other in this slot."""
        while not self._stopping.is_set():
            await self._launch(worker)
            assert worker.process is not None
            code = await worker.process.wait()
            if self._stopping.is_set():
                return
            if worker.rolls:
                worker.rolls = False
            elif not self._proven and code in _REFUSALS:
                self._exit_code = code
                self._stopping.set()
            else:
                await self._pause(worker, code)

    async def _launch(self, worker: _Worker) -> None:
        command = self._command(worker.slot, self._pipe[0])
        worker.begun_s = time.monotonic()
        worker.process = await asyncio.create_subprocess_exec(*command, pass_fds=(self._pipe[0],))

    async def _pause(self, worker: _Worker, code: int) -> None:
        lived_s = time.monotonic() - worker.begun_s
        worker.deaths = 1 if lived_s > _SOUND_AFTER_S else worker.deaths + 1
        pause_s = _PAUSES_S[min(worker.deaths, len(_PAUSES_S)) - 1]
        after = f"after {lived_s:.0f} s; the next one starts in {pause_s:g} s"
        self._say(f"process {worker.slot} ended with {code} {after}")
        await self._stops_within(pause_s)

    async def _stops_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return False
        return True

    async def _ready_or_over(self, worker: _Worker) -> bool:
        """True when it is green; False when it is not in time, or everything stops."""
        give_up_s = time.monotonic() + _READY_WITHIN_S
        while time.monotonic() < give_up_s and not self._stopping.is_set():
            if worker.is_alive and await self._is_ready(worker.slot):
                self._proven = True
                return True
            await self._stops_within(_ASK_EVERY_S)
        return False

    async def _roll_when_wanted(self) -> None:
        while True:
            await self._roll_wanted.wait()
            self._roll_wanted.clear()
            await self._roll_all()

    async def _roll_all(self) -> None:
        self._say("rolling: one process after the other")
        for worker in self._workers:
            old = worker.process
            worker.rolls = worker.is_alive
            await self._end(worker)
            while worker.process is old and not self._stopping.is_set():
                await self._stops_within(_ASK_EVERY_S)
            if not await self._ready_or_over(worker):
                self._say(f"rolling stopped: process {worker.slot} is not ready; those after it stay as they are")
                return
        self._say("rolled")

    async def _end(self, worker: _Worker) -> None:
        """SIGTERM, and SIGKILL when the drain has had its time."""
        process = worker.process
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(self._drain_within_s + _GRACE_S):
                await process.wait()
        except TimeoutError:
            _log.warning("process killed", extra={"slot": worker.slot})
            process.kill()
            await process.wait()

    async def _end_all(self) -> None:
        await asyncio.gather(*(self._end(worker) for worker in self._workers))


async def answers_ready(host: str, port: int, *, within_s: float = 2.0) -> bool:
    """Whether `/readyz` of this port says 200."""
    try:
        async with asyncio.timeout(within_s):
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            try:
                return (await reader.readline()).split()[1:2] == [b"200"]
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
