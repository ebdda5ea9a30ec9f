"""A backup in a process of its own, beside the loop.

The settings go to it through a pipe, secrets and all: neither a command line nor a file shows them. It ends when the
pipe does, so it does not outlive whoever began it.
"""

import asyncio
import os
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path

from config.settings import Settings
from server.core.interrupts import ended_by_signals
from server.core.progress import Silent
from server.jobs.backups import BackupFailed
from server.keeping.archives import back_up
from server.keeping.places import BadKeyFile, secret_of
from server.outside import CannotOpen
from server.upkeep.backing_up import CannotBackUp

_ROOT = Path(__file__).resolve().parents[2]
_ENDS_WITHIN_S = 2.0
_SAID_BYTES = 4_096
_NICE = 10  # people go first


async def back_up_apart(settings: Settings, path: Path, *, within_s: float) -> None:
    """One archive under this path, read back. Raises BackupFailed; cancelled, it leaves nothing behind."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "server.keeping.apart", str(path), env=os.environ | {"PYTHONPATH": str(_ROOT)},
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(within_s):
            said = await _converse(process, settings)
    except TimeoutError:
        raise BackupFailed(f"it took longer than {within_s:.0f} s, so it was ended") from None
    finally:
        await _end(process)
    if process.returncode != 0:
        raise BackupFailed(said or f"the process ended with {process.returncode}")


async def _converse(process: asyncio.subprocess.Process, settings: Settings) -> str:
    """Hand the settings over and wait for the end; the end of what it said."""
    assert process.stdin is not None and process.stderr is not None
    with suppress(ConnectionError):  # then its exit code says more
        process.stdin.write(settings.model_dump_json().encode() + b"\n")
        await process.stdin.drain()
    said = b""
    while piece := await process.stderr.read(_SAID_BYTES):
        said = (said + piece)[-_SAID_BYTES:]
    await process.wait()
    return said.decode(errors="replace").strip()


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.returncode is not None:
            return
        process.send_signal(number)
        with suppress(TimeoutError):
            async with asyncio.timeout(_ENDS_WITHIN_S):
                await process.wait()


def _main() -> int:
    os.nice(_NICE)
    try:
        with ended_by_signals():
            return _back_up()
    except KeyboardInterrupt:
        return 1


def _back_up() -> int:
    settings = Settings.model_validate_json(sys.stdin.readline())
    threading.Thread(target=_end_with_the_pipe, daemon=True).start()
    try:
        secret = secret_of(settings, Path(settings.backup.key_file) if settings.backup.key_file else None)
        asyncio.run(back_up(settings, sys.argv[1], secret=secret, progress=Silent()))
    except (BadKeyFile, CannotOpen, CannotBackUp) as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


def _end_with_the_pipe() -> None:
    """Reads past Python's buffer, whose lock must be free when the program ends by itself."""
    os.read(sys.stdin.fileno(), 1)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(_main())
