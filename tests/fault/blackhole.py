"""A relay that swallows everything from some moment on, as a phone in a lift does."""

import asyncio
from contextlib import suppress


class BlackHole:
    """Forwards between a free local port and `port`; both sides believe in the connection to the end."""

    def __init__(self, port):
        self._port = port
        self._open = asyncio.Event()
        self._open.set()
        self._tasks, self._writers = set(), []

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.transport.abort()

    def swallow(self):
        """From now on nothing passes, and nothing is closed."""
        self._open.clear()

    async def _relay(self, reader, writer):
        self._tasks.add(asyncio.current_task())
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writers += [writer, far_writer]
        await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))

    async def _pump(self, source, sink):
        with suppress(ConnectionError):
            while data := await source.read(65_536):
                await self._open.wait()
                sink.write(data)
                await sink.drain()
