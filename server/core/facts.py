"""Facts: what has happened, told inside its transaction.

An area records a fact; whoever was registered for its type reacts with the same transaction (appends
a channel event, writes a notice, moves the order). What must leave the process is put into the outbox
by a reaction, never done by it. So a change and everything that follows from it commit together.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any

Reaction = Callable[[Any, Any], Awaitable[None]]


class Facts:
    """The register of reactions; filled by the composition root, read by the areas."""

    def __init__(self) -> None:
        self._reactions: dict[type, list[Reaction]] = defaultdict(list)

    def on(self, fact_type: type, reaction: Reaction) -> None:
        """`reaction(tx, fact)` runs for every recorded fact of exactly this type, in this order."""
        self._reactions[fact_type].append(reaction)

    async def record(self, tx: Any, fact: Any) -> None:
        """Tell a fact; its reactions run now, in `tx`, and are undone with it."""
        for reaction in self._reactions[type(fact)]:
            await reaction(tx, fact)
