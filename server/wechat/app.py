"""One WeChat app, asked from the event loop.

wechatpy blocks, so it runs at desks with threads of their own. Every call answers in time, raises
WeChatRefused, or raises Unavailable.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from wechatpy.oauth import WeChatOAuth

from server.core.breaker import Breaker
from server.core.errors import Unavailable
from server.wechat.client import Client, WeChatRefused
from server.wechat.desk import Desk, Work
from server.wechat.tokens import TokenShelf

_log = logging.getLogger(__name__)
_BUSY = -1  # "system busy, try again later"
_TOO_OFTEN = 45011
_TOKEN_CODES = frozenset({40001, 40014, 42001})  # wrong, malformed, run out
_PAUSE_WHEN_TOO_OFTEN_S = 60  # the limits that 45011 speaks of are a minute's
_EARLY_S = 200.0  # WeChat renews 300 s before the end, and both tokens hold for those
_SHORTEST_S = 60.0
_TOKEN_CHARACTERS = 1_024  # theirs have up to 512


class WeChatApp:
    """Calls of one app (a mini program or an official account)."""

    def __init__(
        self,
        app_id: str,
        secret: str,
        *,
        base_url: str,
        pages_url: str,
        shelf: TokenShelf,
        new_breaker: Callable[[], Breaker] = Breaker,
        threads: int = 4,
        waiting_at_most: int = 64,
        connect_s: float = 1.0,
        read_s: float = 2.0,
        within_s: float = 4.0,
    ) -> None:
        self.app_id = app_id
        self._secret = secret
        self._pages_url = pages_url
        self._shelf = shelf
        self._within_s = within_s

        def open_desk() -> Desk:
            return Desk(
                lambda: Client(app_id, secret, base_url=base_url, connect_s=connect_s, read_s=read_s),
                breaker=new_breaker(),
                threads=threads,
                waiting_at_most=waiting_at_most,
            )

        self._logins, self._calls = open_desk(), open_desk()  # messages that hang must not keep people from logging in

    async def with_secret(self, path: str, params: Mapping[str, str]) -> dict[str, Any]:
        """GET a path that wants the app's id and secret instead of a token. Raises WeChatRefused, Unavailable."""
        given = {"appid": self.app_id, "secret": self._secret, **params}
        async with self._in_time():
            return await self._ask(self._logins, lambda client: client.ask(path, params=given))

    async def as_app(self, path: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """POST JSON with the app's token; one that WeChat no longer takes is renewed once."""
        async with self._in_time():
            token = await self._token()
            try:
                return await self._ask(self._calls, lambda client: client.ask(path, token=token, data=data))
            except WeChatRefused as refused:
                if refused.code not in _TOKEN_CODES:
                    raise
            await self._shelf.forget(self.app_id, token)
            renewed = await self._token()
            try:
                return await self._ask(self._calls, lambda client: client.ask(path, token=renewed, data=data))
            except WeChatRefused as refused:
                if refused.code not in _TOKEN_CODES:
                    raise
                _log.error("wechat gives a token and does not take it", extra={"code": refused.code})
                raise Unavailable() from None

    def authorize_url(self, return_url: str, state: str) -> str:
        """The page of WeChat that sends the browser back to `return_url` with a code, without asking anybody."""
        login = WeChatOAuth(self.app_id, "", return_url, "snsapi_base", state)
        login.OAUTH_BASE_URL = self._pages_url
        return login.authorize_url

    def close(self) -> None:
        """Nobody is waited for."""
        self._logins.close()
        self._calls.close()

    @asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        """A deadline whose end is Unavailable."""
        try:
            async with asyncio.timeout(self._within_s):
                yield
        except TimeoutError:
            raise Unavailable() from None

    async def _token(self) -> str:
        found = await self._shelf.find(self.app_id)
        if found is not None:
            return found
        async with self._shelf.turn(self.app_id):
            found = await self._shelf.find(self.app_id)  # another may have fetched it while we waited
            return found if found is not None else await self._fetch_token()

    async def _fetch_token(self) -> str:
        try:
            answer = await self._ask(self._calls, Client.fetch_access_token)
        except WeChatRefused as refused:
            # The secret is wrong, or our address is not on WeChat's list: only the operator can mend it.
            _log.error("wechat gives no token", extra={"app_id": self.app_id, "code": refused.code})
            raise Unavailable() from None
        token, lifetime_s = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(token, str) or not 0 < len(token) <= _TOKEN_CHARACTERS or type(lifetime_s) is not int:
            raise Unavailable()
        await self._shelf.keep(self.app_id, token, lifetime_s=max(lifetime_s - _EARLY_S, _SHORTEST_S))
        return token

    async def _ask(self, desk: Desk, work: Work) -> dict[str, Any]:
        try:
            return await desk.ask(work)
        except WeChatRefused as refused:
            if refused.code == _BUSY:
                raise Unavailable() from None
            if refused.code == _TOO_OFTEN:
                raise Unavailable(retry_after_s=_PAUSE_WHEN_TOO_OFTEN_S) from None
            raise
