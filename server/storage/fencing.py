"""Work that stands or falls with a lease.

A job's round runs under its lease. Each transaction begun inside looks first whether the lease's number is
still the newest, and holds a shared lock on its row until the commit: whoever takes the lease over waits for
that commit, or else this transaction finds the number risen and nothing of it happens. So an instance that
was paused, or cut off from the database, past the end of its lease does no harm when it wakes up.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import bindparam, select

from server.core.errors import Unavailable
from server.storage.tables.system import lease
from server.storage.transaction import Transaction

Result = TypeVar("Result")
Body = Callable[[Transaction], Awaitable[Result]]


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to do what `name` stands for; `fence` rises with every holder."""

    name: str
    fence: int


class LostLease(Unavailable):
    """Another instance does this by now; what the transaction did is undone."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


_UNDER: ContextVar[Lease | None] = ContextVar("lease", default=None)
_STANDS = (
    select(lease.c.fence)
    .where(lease.c.name == bindparam("wanted_name"), lease.c.fence == bindparam("wanted_fence"))
    .with_for_update(read=True)
)


@contextmanager
def under(held: Lease) -> Iterator[None]:
    """Every transaction inside, also of tasks that are begun inside, stands or falls with the lease."""
    token = _UNDER.set(held)
    try:
        yield
    finally:
        _UNDER.reset(token)


def fenced(body: Body[Result]) -> Body[Result]:
    """The body, after a look at the lease it runs under; the body itself where it runs under none."""
    held = _UNDER.get()
    if held is None:
        return body

    async def checked(tx: Transaction) -> Result:
        if await tx.value(_STANDS, {"wanted_name": held.name, "wanted_fence": held.fence}) is None:
            raise LostLease(held.name)
        return await body(tx)

    return checked
