"""A process as the supervisor knows it: answers /readyz, ends on SIGTERM, and when the pipe ends.

    python -m tests.fault.small_worker SLOT PORT PIPE DIRECTORY

What it meets in DIRECTORY decides what becomes of it: `refuse` (exit 2 at once), `broken-SLOT` (never ready).
It leaves a line in `lives`: its slot and its pid.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path


async def answer(reader, writer, *, status):
    await reader.readline()
    writer.write(b"HTTP/1.1 " + status + b"\r\n\r\n")
    writer.close()


async def main(slot, port, pipe, directory):
    if (directory / "refuse").exists():
        raise SystemExit(2)
    with (directory / "lives").open("a") as lives:
        lives.write(f"{slot} {os.getpid()}\n")
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    loop.add_reader(pipe, ended.set)
    status = b"503 no" if (directory / f"broken-{slot}").exists() else b"200 OK"
    server = await asyncio.start_server(lambda r, w: answer(r, w, status=status), "127.0.0.1", port)
    await ended.wait()
    server.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])))
