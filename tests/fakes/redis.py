"""A server of ours that speaks Redis' protocol and answers as a test says."""

import asyncio

_ENOUGH = {b"PUBLISH": b":1\r\n", b"UNLINK": b":0\r\n"}


def array(*parts):
    return b"*%d\r\n" % len(parts) + b"".join(b":%d\r\n" % one if isinstance(one, int) else bulk(one) for one in parts)


def bulk(text):
    return b"$%d\r\n%s\r\n" % (len(text), text)


def confirmed(command):
    """What Redis says to SUBSCRIBE, SSUBSCRIBE and their opposites, a topic at a time."""
    kind, *topics = command
    return b"".join(array(kind.lower(), topic, number) for number, topic in enumerate(topics, 1))


class ScriptedRedis:
    """Use as `async with`. `asked` has every command in order; `answer(command)` may be replaced.

    An answer of None is none; `hold()` keeps all answers back until `let_go()`.
    """

    def __init__(self):
        self.asked = []
        self.answer = self.as_redis_does
        self.connections = []
        self._flows = asyncio.Event()
        self._flows.set()
        self._tasks = set()

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()
        self.cut()
        self.let_go()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}/0"

    def as_redis_does(self, command):
        word = command[0].upper()
        if word.endswith(b"SUBSCRIBE"):
            return confirmed(command)
        return _ENOUGH.get(word, b"+OK\r\n")

    def words(self):
        return [command[0].upper() for command in self.asked]

    def hold(self):
        self._flows.clear()

    def let_go(self):
        self._flows.set()

    def push(self, *parts):
        """To whoever is connected."""
        for writer in self.connections:
            writer.write(array(*parts))

    def cut(self):
        for writer in self.connections:
            writer.transport.abort()
        self.connections.clear()

    async def _serve(self, reader, writer):
        self._tasks.add(asyncio.current_task())
        self.connections.append(writer)
        try:
            while True:
                command = await _command(reader)
                self.asked.append(command)
                await self._flows.wait()
                said = self.answer(command)
                if said is not None:
                    writer.write(said)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


async def _command(reader):
    parts = int((await reader.readuntil(b"\r\n"))[1:])
    words = []
    for _ in range(parts):
        size = int((await reader.readuntil(b"\r\n"))[1:])
        words.append((await reader.readexactly(size + 2))[:-2])
    return words
