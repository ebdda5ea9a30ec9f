"""A TCP relay that makes a network bad: late, cut, half open, deaf."""

import asyncio
from contextlib import suppress

_CHUNK_BYTES = 65_536
_BEGINNING_BYTES = 1_024


class Proxy:
    """Use as `async with`; forwards between a local port, by default a free one, and `far_port`.
    New connections lead to what `far_port` says then.

    Faults last until `heal`.
    """

    def __init__(self, far_port: int, *, port: int = 0) -> None:
        self.far_port = far_port
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._refusing = False
        self._delay_s = 0.0
        self._swallowing: bytes | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = port

    async def __aenter__(self) -> "Proxy":
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._abort()

    def _abort(self) -> None:
        for writer in tuple(self._writers):
            writer.transport.abort()
        self._writers.clear()

    def delay(self, seconds: float) -> None:
        """Every piece comes that much later, in each direction."""
        self._delay_s = seconds

    def cut(self) -> None:
        """Every connection is reset, and new ones are closed at once."""
        self._refusing = True
        self._abort()

    def reset(self) -> None:
        """Every connection is reset; new ones are welcome."""
        self._abort()

    def swallow(self) -> None:
        """Half open: nothing passes any more, nothing is closed, new connections are taken and hear nothing."""
        self._flowing.clear()

    def lose(self, *, of: bytes = b"") -> None:
        """What the far side says disappears; it goes on hearing everything. `of`: on connections that began so."""
        self._swallowing = of

    def heal(self) -> None:
        """What was held back passes; what was swallowed is gone."""
        self._refusing, self._swallowing = False, None
        self._delay_s = 0.0
        self._flowing.set()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        far_writer = None
        try:
            if self._refusing:
                return
            await self._flowing.wait()
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.far_port)
            self._writers.add(far_writer)
            said = bytearray()
            pumps = [self._pump(reader, far_writer, said), self._pump(far_reader, writer, said, is_back=True)]
            await asyncio.gather(*pumps)
        except ConnectionError:
            pass  # the far side is not there: the near one is told so
        finally:
            self._tasks.discard(task)
            for side in (writer, far_writer):
                if side is not None:
                    self._writers.discard(side)
                    side.close()

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, said: bytearray, *, is_back: bool = False
    ) -> None:
        """`said`: how the near side began, of both pumps of a connection."""
        with suppress(ConnectionError):
            while data := await source.read(_CHUNK_BYTES):
                if not is_back and len(said) < _BEGINNING_BYTES:
                    said += data
                await self._flowing.wait()
                if self._delay_s:
                    await asyncio.sleep(self._delay_s)
                if not (is_back and self._swallowing is not None and self._swallowing in said):
                    sink.write(data)
                    await sink.drain()
        sink.close()
