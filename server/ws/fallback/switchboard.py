"""Finds the connection that an emulated message is for.

Any instance takes the request. `node` of the connect result names the owner: itself, or another one that
is asked over the bus and answers whether it took the message.
"""

import asyncio
import base64
import binascii
import secrets
from collections import Counter
from collections.abc import Mapping
from typing import Any

from server.core.errors import Refused, Unavailable
from server.core.ids import looks_like_id, new_id
from server.core.tasks import Tasks
from server.storage.pubsub.port import Bus, ControlMessage
from server.ws.fallback.inbox import Inbox, Listener
from server.ws.limits import Limits
from server.ws.wire.answers import Address

ASKED, ANSWERED = "emulation", "emulation_answer"  # kinds of control messages
_SESSION_BYTES = 24  # whoever knows a session speaks for it, so it is not to be guessed


class Switchboard:
    """Knows the emulated connections of this instance by their session."""

    def __init__(self, *, bus: Bus, tasks: Tasks, limits: Limits, counts: Counter[str]) -> None:
        self.node = new_id()
        self._bus = bus
        self._tasks = tasks
        self._limits = limits
        self._counts = counts
        self._inboxes: dict[str, Inbox] = {}
        self._asked: dict[str, asyncio.Future[str]] = {}

    def address(self) -> Address:
        """For a connection that begins."""
        return Address(secrets.token_urlsafe(_SESSION_BYTES), self.node)

    def enter(self, address: Address, listener: Listener) -> None:
        """From now on its messages reach it."""
        self._inboxes[address.session] = Inbox(
            listener, tasks=self._tasks, most_bytes=self._limits.emulated_waiting_bytes
        )

    def leave(self, address: Address) -> None:
        """Its socket is closed; unknown sessions are ignored."""
        self._inboxes.pop(address.session, None)

    async def deliver(self, address: Address, message: str | bytes) -> None:
        """Put a message into its connection's inbox, wherever that is.

        Raises Refused `not_found` (no such node or session) or `too_many_requests`, or Unavailable.
        """
        if address.node == self.node:
            outcome = self.put(address.session, message)
        elif looks_like_id(address.node):
            outcome = await self._ask(address, message)
        else:
            outcome = "not_found"
        if outcome != "taken":
            raise Refused(outcome, retry_after_s=1 if outcome == "too_many_requests" else None)

    def put(self, session: str, message: str | bytes) -> str:
        """Into an inbox of this instance: "taken", "not_found" or "too_many_requests"."""
        inbox = self._inboxes.get(session)
        if inbox is None:
            return "not_found"
        return "taken" if inbox.put(message) else "too_many_requests"

    async def _ask(self, address: Address, message: str | bytes) -> str:
        if len(self._asked) >= self._limits.emulations_asked:
            raise Unavailable()
        ask_id = new_id()
        answer = self._asked[ask_id] = asyncio.get_running_loop().create_future()
        body: dict[str, object] = {
            "node": address.node, "session": address.session, "ask": ask_id, "from": self.node, **_packed(message),
        }  # fmt: skip
        try:
            async with asyncio.timeout(self._limits.emulation_answer_s):
                await self._bus.broadcast(ControlMessage(ASKED, body))
                return await answer
        except TimeoutError:
            return "not_found"  # the node is gone; its clients connect again
        finally:
            del self._asked[ask_id]

    def obey(self, message: ControlMessage) -> None:
        """A question of another instance, or its answer; those for others are theirs."""
        body = message.body
        if message.kind == ANSWERED:
            answer = self._asked.get(str(body.get("ask"))) if body.get("node") == self.node else None
            if answer is not None and not answer.done():
                answer.set_result(_outcome(body.get("outcome")))
        elif body.get("node") == self.node:
            texts, message = [body.get(name) for name in ("session", "ask", "from")], _unpacked(body)
            if message is None or not all(type(text) is str for text in texts):
                self._counts["poison_messages"] += 1
                return
            session, ask_id, asker = map(str, texts)
            self._tasks.start("emulation answer", self._answer(self.put(session, message), ask_id, asker))

    async def _answer(self, outcome: str, ask_id: str, asker: str) -> None:
        try:
            await self._bus.broadcast(ControlMessage(ANSWERED, {"node": asker, "ask": ask_id, "outcome": outcome}))
        except Unavailable:
            self._counts["emulation_answers_lost"] += 1  # the asker's time runs out, and the client reconnects


def _packed(message: str | bytes) -> dict[str, object]:
    """For a bus that carries JSON."""
    if isinstance(message, bytes):
        return {"base64": base64.b64encode(message).decode()}
    return {"text": message}


def _unpacked(body: Mapping[str, object]) -> str | bytes | None:
    text, encoded = body.get("text"), body.get("base64")
    if isinstance(encoded, str):
        try:
            return base64.b64decode(encoded, validate=True)
        except binascii.Error:
            return None
    return text if isinstance(text, str) else None


def _outcome(told: Any) -> str:
    return told if told in ("taken", "not_found", "too_many_requests") else "not_found"
