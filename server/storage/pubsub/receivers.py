"""Who is told what arrives on a bus.

A receiver that raises is logged and counted; neither the publisher nor other receivers hear of it.
"""

import logging
from collections import Counter
from collections.abc import Callable
from typing import Any

from server.storage.pubsub.port import ChannelMessage, ControlMessage

_log = logging.getLogger(__name__)


class Receivers:
    """Of one instance; `counts` is the bus's."""

    def __init__(self, *, counts: Counter[str]) -> None:
        self._counts = counts
        self._on_channel: Callable[[ChannelMessage], None] | None = None
        self._on_control: list[Callable[[ControlMessage], None]] = []
        self._on_gap: list[Callable[[], None]] = []

    def set_channel(self, receiver: Callable[[ChannelMessage], None]) -> None:
        self._on_channel = receiver

    def add_control(self, receiver: Callable[[ControlMessage], None]) -> None:
        self._on_control.append(receiver)

    def add_gap(self, receiver: Callable[[], None]) -> None:
        self._on_gap.append(receiver)

    def forget(self) -> None:
        """Nobody is told anything from here on."""
        self._on_channel = None
        self._on_control.clear()
        self._on_gap.clear()

    def channel(self, message: ChannelMessage) -> None:
        if self._on_channel is not None:
            self._guarded(self._on_channel, message)

    def control(self, message: ControlMessage) -> None:
        for receiver in tuple(self._on_control):
            self._guarded(receiver, message)

    def gap(self) -> None:
        for receiver in tuple(self._on_gap):
            self._guarded(receiver)

    def _guarded(self, receiver: Callable[..., None], *told: Any) -> None:
        try:
            receiver(*told)
        except Exception:
            self._counts["receiver_failed"] += 1
            _log.exception("a receiver of the bus failed")
