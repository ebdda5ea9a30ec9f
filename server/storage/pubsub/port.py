"""The bus: what one instance tells all instances.

Delivery is at most once and unordered across topics; whoever needs more reads the channel log. A
publisher never waits for receivers.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, Protocol


@dataclass(frozen=True, slots=True)
class ChannelMessage:
    """An event on its way: `offset` is None for what is never stored (typing)."""

    channel: str
    epoch: str
    offset: int | None
    data: bytes  # JSON text, UTF-8


@dataclass(frozen=True, slots=True)
class ControlMessage:
    """An order to every instance, e.g. kind "revoke" with {"user_id", "login_id", "code", "reason"}.

    Kinds in use: "revoke" (close sockets of a user or a login) and "access_ended" (a user no longer
    may follow a channel: {"user_id", "channel"}), "membership" (ws/roll.py: who joined and left), "message",
    "subscribe" and "unsubscribe" (ws/errands.py: what the server begins with chosen connections).
    """

    kind: str
    body: dict[str, object]


State = Literal["ok", "away", "deaf"]
AWAY: Final = "away"
DEAF: Final = "deaf"


class Bus(Protocol):
    """Receivers are plain callables; they must not block and must not raise.

    `counts` are running totals for the metrics: published, broadcast, and what a means has besides.
    """

    counts: Counter[str]

    async def publish(self, message: ChannelMessage) -> None:
        """Tell every instance that follows the message's channel. Raises Unavailable."""

    async def broadcast(self, message: ControlMessage) -> None:
        """Tell every instance. Raises Unavailable."""

    async def follow(self, channel: str) -> None:
        """From the return on, messages of the channel reach this instance's receiver."""

    async def unfollow(self, channel: str) -> None:
        """Stop following; unknown channels are ignored."""

    def on_channel(self, receiver: Callable[[ChannelMessage], None]) -> None:
        """Set the one receiver of channel messages of this instance."""

    def on_control(self, receiver: Callable[[ControlMessage], None]) -> None:
        """Add a receiver of control messages."""

    def on_gap(self, receiver: Callable[[], None]) -> None:
        """Add a receiver that is called when messages may have been lost: what is followed must be compared."""

    @property
    def state(self) -> State:
        """`away`: what carries the messages does not answer; `deaf`: it does, and yet nothing arrives here."""

    @property
    def followed(self) -> int:
        """How many channels."""

    @property
    def waiting(self) -> int:
        """Messages that have not left yet."""

    @property
    def round_trip_s(self) -> float:
        """From here to here, as the last sign of life took; 0 where nothing travels."""

    def start(self) -> None:
        """Begin to hear and to speak; needs a running loop."""

    async def close(self) -> None:
        """Let go of everything; nothing is received afterwards."""
