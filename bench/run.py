"""One run of the bench: its size, its cores, its voice."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True, kw_only=True)
class Run:
    """Handed to every work. `facts` is what a work learns about its settings, versions and absent peers."""

    rounds: int
    quick: bool
    server_core: int
    say: Callable[[str], None]
    facts: dict[str, Any] = field(default_factory=dict)
