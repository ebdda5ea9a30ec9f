"""wechatpy's client, kept from waiting and retrying for ever.

What is taken away from it, each seen to do harm: retries of its own (they recurse without end when WeChat
goes on refusing a token), its own fetching of tokens (without a deadline, and each fetch ends the token of
the other instances), redirects, proxies from the environment, answers without a bound in size or time.
"""

import time
from collections.abc import Mapping
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError
from wechatpy.client import WeChatClient
from wechatpy.exceptions import WeChatClientException

_ANSWER_BYTES = 262_144  # theirs have a few hundred
_CHUNK_BYTES = 16_384


class WeChatRefused(Exception):
    """WeChat understood and says no; `code` is its errcode."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class NoAnswer(Exception):
    """Nothing came back in time, or nothing that can be read. Says nothing else: URLs carry secrets."""


class BoundedAdapter(HTTPAdapter):
    """Reads the whole answer within a deadline: requests' own timeout starts again with every byte."""

    def __init__(self, *, within_s: float) -> None:
        super().__init__(pool_connections=1, pool_maxsize=1)
        self._within_s = within_s

    def send(self, request: Any, **options: Any) -> Any:
        until_s = time.monotonic() + self._within_s
        response = super().send(request, **(options | {"stream": True}))
        try:
            response._content = self._read(response.raw, until_s)  # where requests keeps what it has read itself
        except HTTPError:
            response.close()
            raise requests.ConnectionError() from None
        response._content_consumed = True
        return response

    def _read(self, raw: Any, until_s: float) -> bytes:
        content = bytearray()
        while chunk := raw.read1(_CHUNK_BYTES, decode_content=True):
            content += chunk
            if len(content) > _ANSWER_BYTES or time.monotonic() > until_s:
                raise HTTPError()
        return bytes(content)


class Client(WeChatClient):
    """One app's calls. Blocking, and for one thread; raises WeChatRefused or NoAnswer and nothing else."""

    def __init__(self, app_id: str, secret: str, *, base_url: str, connect_s: float, read_s: float) -> None:
        super().__init__(app_id, secret, timeout=(connect_s, read_s), auto_retry=False)
        self._base_url = base_url
        self._http.trust_env = False
        self._http.max_redirects = 0
        for scheme in ("https://", "http://"):
            self._http.mount(scheme, BoundedAdapter(within_s=connect_s + read_s))

    def ask(
        self,
        path: str,
        *,
        token: str | None = None,
        params: Mapping[str, str] | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """POST with `data` as JSON, else GET; without a token none is sent, and none is fetched."""
        given: dict[str, Any] = {"params": {**(params or {}), "access_token": token}}
        if data is not None:
            given["data"] = dict(data)
        try:
            answer = self._request("get" if data is None else "post", self._base_url + path, **given)
        except WeChatClientException as refused:
            if refused.errcode is None:
                raise NoAnswer() from None  # an HTTP status instead of an answer
            raise WeChatRefused(refused.errcode) from None
        except (requests.RequestException, OSError, ValueError, TypeError, RecursionError):
            raise NoAnswer() from None  # the last three: what calls itself JSON and is something else
        if not isinstance(answer, dict):
            raise NoAnswer()
        return answer

    def fetch_access_token(self) -> dict[str, Any]:
        """{"access_token", "expires_in"}; the same for everybody who asks while it lives.

        wechatpy 1.8 knows only `cgi-bin/token`, where each call ends the token that others use.
        """
        asked = {"grant_type": "client_credential", "appid": self.appid, "secret": self.secret, "force_refresh": False}
        return self.ask("cgi-bin/stable_token", data=asked)

    def close(self) -> None:
        self._http.close()
