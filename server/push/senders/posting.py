"""Posts to a provider within a deadline."""

from collections.abc import Mapping
from typing import Protocol

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest

from server.core.errors import Unavailable
from server.core.tasks import unless_given_up

_ANSWER_BYTES = 65_536  # theirs have a few hundred
_CONNECTIONS = 16


class Post(Protocol):
    """Sends a POST without a body; (status, body). Raises Unavailable when no answer came in time."""

    async def __call__(self, url: str, headers: Mapping[str, str]) -> tuple[int, bytes]: ...


class HttpPost:
    """Implements `Post` over the network; nothing of a request is logged, because URLs carry people's numbers."""

    def __init__(self, *, connect_s: float = 1.0, within_s: float = 4.0) -> None:
        self._connect_s = connect_s
        self._within_s = within_s
        self._client: AsyncHTTPClient | None = None

    async def __call__(self, url: str, headers: Mapping[str, str]) -> tuple[int, bytes]:
        request = HTTPRequest(
            url,
            method="POST",
            headers=dict(headers),
            body=b"",
            connect_timeout=self._connect_s,
            request_timeout=self._within_s,
            follow_redirects=False,
        )
        try:
            response = await unless_given_up(self._opened().fetch(request, raise_error=False))
        except (OSError, HTTPClientError):
            raise Unavailable() from None
        if response.code == 599:
            raise Unavailable()
        return response.code, response.body

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _opened(self) -> AsyncHTTPClient:
        """Made on the loop that uses it: nothing runs yet when objects are built."""
        if self._client is None:
            self._client = AsyncHTTPClient(
                force_instance=True, max_clients=_CONNECTIONS, max_body_size=_ANSWER_BYTES
            )
        return self._client
