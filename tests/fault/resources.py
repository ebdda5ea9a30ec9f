"""What a process holds, and that it lets go of it again (I9)."""

import asyncio
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from tornado.httpclient import AsyncHTTPClient, HTTPClientError

from tests.fault.server_process import ServerProcess, until

_LETS_GO_WITHIN_S = 30.0
_MORE = 0.10
# What comes and goes at rest: a job's round, a connection kept for the next request, a page of the allocator.
_COMES_AND_GOES = {"tasks": 8, "descriptors": 8, "memory_kib": 16 * 1024}


@dataclass(frozen=True, slots=True)
class Held:
    """Of one process at one moment."""

    tasks: int
    descriptors: int
    memory_kib: int

    def beyond(self, before: "Held") -> dict[str, tuple[int, int]]:
        """What is more than it was and a tenth, as (was, is)."""
        was, now = asdict(before), asdict(self)
        return {
            name: (was[name], now[name]) for name in was if now[name] > was[name] * (1 + _MORE) + _COMES_AND_GOES[name]
        }


async def held_by(one: ServerProcess) -> Held:
    """Raises what the client raises for an instance that does not answer."""
    tasks = await metric(one.url, "peihu_tasks")
    status = Path(f"/proc/{one.pid}/status").read_text(encoding="ascii")
    found = re.search(r"VmRSS:\s+(\d+)", status)
    assert found is not None
    return Held(int(tasks), len(os.listdir(f"/proc/{one.pid}/fd")), int(found[1]))


async def metric(url: str, name: str) -> float:
    """A figure of `/metrics` that has no labels."""
    http = AsyncHTTPClient(force_instance=True)
    try:
        text = (await http.fetch(f"{url}/metrics", request_timeout=5.0)).body.decode()
    finally:
        http.close()
    [line] = [line for line in text.splitlines() if line.startswith(f"{name} ")]
    return float(line.split()[1])


async def all_held(instances: list[ServerProcess]) -> list[Held]:
    return await asyncio.gather(*(held_by(one) for one in instances))


async def let_go(instances: list[ServerProcess], before: list[Held]) -> list[Held]:
    """Wait until each holds no more than it did; what it holds now. Their load must be that of `before` again."""
    beyond: list[dict[str, tuple[int, int]]] = []
    now: list[Held] = []

    async def is_back() -> bool:
        try:
            now[:] = await all_held(instances)
        except (OSError, HTTPClientError):
            return False
        beyond[:] = [one.beyond(was) for one, was in zip(now, before, strict=True)]
        return not any(beyond)

    try:
        await until(is_back, within_s=_LETS_GO_WITHIN_S, what="let go")
    except AssertionError:
        raise AssertionError(f"I9 not let go of (was, is): {beyond}") from None
    return now
