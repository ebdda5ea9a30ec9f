"""A bare live connection: whatever text one likes, in frames."""
import json
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

_ANSWERS_WITHIN_S = 10.0


class RpcWire:
    """Connected with a token for a `with` block; `call` does one rpc, `say` sends any text."""

    def __init__(self, port: int, token: str) -> None:
        self._opening = connect(
            f"ws://127.0.0.1:{port}/connection/websocket", proxy=None, max_size=None, open_timeout=_ANSWERS_WITHIN_S
        )
        self._token = token
        self._number = 1

    def __enter__(self) -> "RpcWire":
        self._socket: ClientConnection = self._opening.__enter__()
        self.say(json.dumps({"id": 1, "connect": {"token": self._token}}))
        try:
            self.connected = self._await_reply()
        except ConnectionClosed as closed:
            self.connected = {"closed": closed.rcvd.code if closed.rcvd else 1006}
        return self

    def __exit__(self, *given: Any) -> None:
        self._opening.__exit__(*given)

    def call(self, method: str, data: Any) -> dict[str, Any]:
        """`{"rpc": …}` or `{"error": {"code", "message"}}`."""
        return self.raw_call(method, json.dumps(data))

    def raw_call(self, method: str, data: str) -> dict[str, Any]:
        """The same with data as text; `{"closed": code}` when the server hangs up instead."""
        return self.command(f'"rpc":{{"method":{json.dumps(method)},"data":{data}}}')

    def command(self, text: str) -> dict[str, Any]:
        """One command, given without its id."""
        self._number += 1
        try:
            self.say(f'{{"id":{self._number},{text}}}')
            return self._await_reply()
        except ConnectionClosed as closed:
            return {"closed": closed.rcvd.code if closed.rcvd else 1006}

    def say(self, text: str | bytes) -> None:
        self._socket.send(text)

    def _await_reply(self) -> dict[str, Any]:
        while True:
            for line in str(self._socket.recv(timeout=_ANSWERS_WITHIN_S)).split("\n"):
                told = json.loads(line)
                if told.get("id") == self._number:
                    return told
                if not told:
                    self._socket.send("{}")

    def closed_with(self) -> int:
        """The close code with which the server hangs up."""
        try:
            while True:
                self._socket.recv(timeout=_ANSWERS_WITHIN_S)
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006
