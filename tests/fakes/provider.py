"""A provider of ours: a real HTTP server in a thread of its own, with troubles on demand."""
import asyncio
import threading
from abc import ABC, abstractmethod
from collections import defaultdict, deque
from dataclasses import dataclass

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, Finish, RequestHandler


@dataclass(frozen=True)
class Trouble:
    """What goes wrong with the next request to a path."""

    kind: str  # status, hang, garbage, answer, drip, huge, redirect, cut
    value: object = None


class Provider(ABC):
    """Start, stop, `url`; `troubles[path]` is worked off one a request; `asked` is every path in order."""

    def __init__(self):
        self.troubles = defaultdict(deque)
        self.asked = []
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def start(self):
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def stop(self):
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._over.set)
            self._thread.join(10)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def trouble(self, path, kind, value=None, *, times=1):
        self.troubles[path].extend([Trouble(kind, value)] * times)

    def count(self, path):
        return self.asked.count(path)

    @abstractmethod
    def routes(self):
        """Tornado's handlers of this provider."""

    async def _serve(self):
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        server = HTTPServer(Application(self.routes(), log_function=lambda _: None))
        (socket,) = bind_sockets(0, "127.0.0.1")
        server.add_sockets([socket])
        self.port = socket.getsockname()[1]
        self._ready.set()
        await self._over.wait()
        server.stop()
        await server.close_all_connections()


class ProviderHandler(RequestHandler):
    """One path; a trouble that lies ready comes before the answer."""

    def initialize(self, provider):
        self.provider = provider

    async def prepare(self):
        path = self.request.path
        self.provider.asked.append(path)
        if self.provider.troubles[path]:
            await self._fail(self.provider.troubles[path].popleft())
            raise Finish()  # nothing of the request is done

    async def _fail(self, trouble):
        match trouble.kind:
            case "status":
                self.set_status(trouble.value)
                await self.finish("<html>Bad Gateway</html>")
            case "garbage":
                await self.finish(trouble.value)
            case "answer":
                await self.finish(trouble.value)
            case "huge":
                await self.finish(b"[" + b"1," * 400_000 + b"1]")
            case "redirect":
                self.redirect(trouble.value)
            case "cut":
                self.set_header("Content-Length", "1000")
                self.write(b'{"errcode":')
                await self.flush()
                self.request.connection.stream.close()
            case "hang":
                await self.left.wait()
            case "drip":
                self.set_header("Content-Length", "100000")
                while not await self._left_within(0.05):
                    self.write(b" ")
                    await self.flush()

    async def _left_within(self, seconds):
        try:
            async with asyncio.timeout(seconds):
                await self.left.wait()
        except TimeoutError:
            return False
        return True

    @property
    def left(self):
        if not hasattr(self, "_left"):
            self._left = asyncio.Event()
        return self._left

    def on_connection_close(self):
        self.left.set()

    def log_exception(self, *_):
        """What a caller did who left in the middle is not the test's."""
