"""What all connections of an instance share."""

from collections import Counter
from dataclasses import dataclass

from server.core.tasks import Tasks
from server.ws.desk import Desk
from server.ws.entrance import Entrance
from server.ws.hearing import Hearing
from server.ws.limits import Limits
from server.ws.outbound import Turn
from server.ws.wheel import Wheel


@dataclass(frozen=True, slots=True)
class Room:
    """Built once by `LiveChannels`; `counts` become metrics."""

    entrance: Entrance
    hearing: Hearing
    desk: Desk
    turn: Turn
    wheel: Wheel
    tasks: Tasks
    limits: Limits
    counts: Counter[str]
