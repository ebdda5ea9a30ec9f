"""Plain HTTP to our own server, as any client would speak it."""

import http.client
import json
import uuid
from typing import Any
from urllib.parse import urlencode

_ANSWERS_WITHIN_S = 30.0


class Refusal(Exception):
    """The server said no; the text is its code and message."""


class Api:
    """One kept connection. Answers are the `data` of the envelope. Raises Refusal."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_ANSWERS_WITHIN_S)

    def get(self, path: str, *, token: str = "", **query: Any) -> Any:
        return self._ask("GET", f"{path}?{urlencode(query)}" if query else path, token=token)

    def post(self, path: str, body: Any, *, token: str = "") -> Any:
        return self._ask("POST", path, token=token, body=json.dumps(body).encode())

    def text(self, path: str) -> str:
        """A page that is no envelope."""
        self._connection.request("GET", path)
        return self._connection.getresponse().read().decode()

    def _ask(self, method: str, path: str, *, token: str, body: bytes | None = None) -> Any:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if body is not None:
            headers |= {"Content-Type": "application/json", "Idempotency-Key": uuid.uuid4().hex}
        try:
            self._connection.request(method, path, body=body, headers=headers)
        except (http.client.CannotSendRequest, ConnectionError):
            self._connection.close()  # kept too long; once more on a fresh one
            self._connection.request(method, path, body=body, headers=headers)
        answer = json.loads(self._connection.getresponse().read())
        if answer["code"] != "ok":
            raise Refusal(f"{method} {path}: {answer['code']} {answer['message']} {answer.get('errors') or ''}")
        return answer["data"]

    def close(self) -> None:
        self._connection.close()
