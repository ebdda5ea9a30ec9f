"""The sandbox's own doors: demo accounts and clock."""
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from pydantic import Field

from config.fields import Body, Query
from server.core.call import Call
from server.core.clock import BusinessClock, shanghai_text
from server.core.operation import ANYONE, Operation

_TEN_YEARS_S = 315_360_000


class ListAccounts(Query):
    """No parameters."""


class AdvanceClock(Body):
    """How far business time is moved forward, in seconds; 0 asks what time it is."""

    advance_s: Annotated[int | float, Field(ge=0, le=_TEN_YEARS_S)]


def sandbox_clock_operations(
    *,
    advance: Callable[[float], Awaitable[None]],
    clock: BusinessClock,
    accounts: Callable[[], Awaitable[list[dict[str, Any]]]],
) -> list[Operation]:
    """To be served with `loopback_only` and never in production."""

    async def list_accounts(call: Call, command: ListAccounts) -> list[dict[str, Any]]:
        return await accounts()

    async def move_clock(call: Call, command: AdvanceClock) -> dict[str, Any]:
        if command.advance_s:
            await advance(float(command.advance_s))
        return {"now": shanghai_text(clock.now())}

    return [
        Operation("GET", "/sandbox/accounts", ListAccounts, list_accounts, ANYONE, "沙箱:演示账号"),
        Operation(
            "POST", "/sandbox/clock", AdvanceClock, move_clock, ANYONE, "沙箱:把业务时间向前拨", keyed="never"
        ),
    ]
