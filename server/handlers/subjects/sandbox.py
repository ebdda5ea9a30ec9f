"""The sandbox's own doors: accounts, clock, payer, messages.

All of them are served with `loopback_only` and never in production (contract.md §9).
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from pydantic import Field

from config.fields import Body, Query
from server.billing.commands import TapSandboxPay
from server.core.call import Call
from server.core.clock import BusinessClock, shanghai_text
from server.core.operation import ANYONE, Operation
from server.payment.sandbox_till import SandboxTill
from server.push.commands import ReadSandboxMessages
from server.push.sandbox_messages import SandboxMessages

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
    """The demo accounts, and business time moved forward."""

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


def sandbox_payment_operations(till: SandboxTill) -> list[Operation]:
    """The payer's tap."""

    async def tap(call: Call, command: TapSandboxPay) -> dict[str, Any]:
        await till.tap(command.payment_id, command.result)
        return {"payment_id": command.payment_id, "result": command.result}

    return [
        Operation(
            "POST",
            "/sandbox/pay",
            TapSandboxPay,
            tap,
            ANYONE,
            "沙箱:模拟付款人确认或拒绝支付",
            keyed="never",
            refusals=("wrong_state",),
        )
    ]


def sandbox_message_operations(*, sandbox_messages: SandboxMessages) -> list[Operation]:
    """What would have left by SMS and WeChat."""
    return [
        Operation(
            "GET",
            "/sandbox/messages",
            ReadSandboxMessages,
            sandbox_messages.list_messages,
            ANYONE,
            "本应通过短信和微信发出的内容，最新的在前",
        )
    ]
