"""The process dies at every named point of every kind of change."""
import asyncio
import signal
import uuid
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from tests.fault.checker import check_history, check_log, check_store
from tests.fault.history import read_history
from tests.fault.killable import POINTS
from tests.fault.market import Caregiver, Family, Market, business_now, open_market, quarter_after
from tests.fault.people import Outcome, Site
from tests.fault.rest import come_to_rest
from tests.fault.server_process import ServerProcess
from tests.fault.store import order_ids

_DIES_WITHIN_S = 20.0


# In this order; the server that rises after one death has the trap of the next.
_ACTS = (
    "INSERT INTO t_order ",
    "INSERT INTO ledger_entry",  # the provider's notification is booked
    "UPDATE offer SET",
    "INSERT INTO chat_message",
    "INSERT INTO order_event",  # the visit starts
    "INSERT INTO service_note",
    "INSERT INTO chat_message",
    "INSERT INTO payment ",
    "INSERT INTO refund ",
)


@dataclass(slots=True)
class Play:
    """One order's life on servers each of which dies in one act."""

    server: ServerProcess
    point: str
    market: Market | None = None
    deaths: int = 0

    @property
    def family(self) -> Family:
        return self.market.families[0]

    @property
    def caregiver(self) -> Caregiver:
        return self.market.caregivers[0]

    async def rise(self) -> None:
        """A new life: with the trap of the next act, an ordinary one after the last."""
        if self.deaths < len(_ACTS):
            trap = ("--point", self.point, "--writes", _ACTS[self.deaths])
            self.server.start(("-m", "tests.fault.killable", *trap))
        else:
            self.server.start()
        await self.server.ready()

    @asynccontextmanager
    async def deadly(self, writes: str):
        """Inside, the server dies at the point of the first transaction that writes this; then it rises."""
        assert writes == _ACTS[self.deaths]
        watch = asyncio.create_task(self._rise_again())
        try:
            yield
            await watch
        finally:
            watch.cancel()

    async def _rise_again(self) -> None:
        code = await self.server.ended(within_s=_DIES_WITHIN_S)
        assert code == -signal.SIGKILL, f"ended with {code}: {self.server.tail()}"
        self.deaths += 1
        await self.rise()

    async def ask(self, who: Family | Caregiver, name: str, body: dict[str, Any], *, writes: str, over: str) -> Outcome:
        """An operation whose server dies under it; repeated with its key until it is answered."""
        async with self.deadly(writes):
            outcome = await who.person.do(name, body, over=over)
            assert outcome.is_ok, outcome
        return outcome


def _message(order_id: str) -> dict[str, str]:
    return {"order_id": order_id, "msg_id": uuid.uuid4().hex, "kind": "text", "text": "协助饮水"}


async def _book(play: Play) -> str:
    """Create, pay and hear of the payment, with a death in each; the order's id."""
    start_at = quarter_after(await business_now(play.market.site), ahead=timedelta(minutes=65))
    body = play.market.order_body(play.family, start_at, caregiver_id=play.caregiver.caregiver_id)
    created = await play.ask(play.family, "order.create", body, writes="INSERT INTO t_order ", over="http")
    order_id = created.data["order_id"]
    play.family.person.live.follow(f"order:{order_id}")
    paying = {"order_id": order_id, "method": "sandbox", "amount_fen": created.data["amount_fen"]}
    async with play.deadly("INSERT INTO ledger_entry"):  # when the provider's notification is booked
        assert (await play.family.person.do("order.pay", paying)).is_ok
    await play.market.paid(play.family, order_id)
    return order_id


async def _serve(play: Play, order_id: str) -> None:
    """Accept, chat, start and note, with a death in each."""
    family, caregiver = play.family, play.caregiver
    offer = {"offer_id": await play.market.offer_to(caregiver, order_id)}
    await play.ask(caregiver, "order.accept", offer, writes="UPDATE offer SET", over="live")
    caregiver.person.live.follow(f"order:{order_id}")
    await play.ask(family, "chat.send", _message(order_id), writes="INSERT INTO chat_message", over="http")
    await business_now(play.market.site, advance_s=55 * 60)
    async with play.deadly("INSERT INTO order_event"):
        assert (await play.market.start_visit(family, caregiver, order_id)).is_ok
    recorded_at = await business_now(play.market.site)
    note = _message(order_id) | {"kind": "measure", "recorded_at": recorded_at.isoformat()}
    await play.ask(caregiver, "note.append", note, writes="INSERT INTO service_note", over="live")
    await play.ask(caregiver, "chat.send", _message(order_id), writes="INSERT INTO chat_message", over="live")


async def _cancel(play: Play) -> None:
    """Another order, whose payment attempt and refund meet a death too."""
    family = play.family
    body = play.market.order_body(family, play.market.next_start(family), caregiver_id=None)
    created = await family.person.do("order.create", body)
    order_id = created.data["order_id"]
    paying = {"order_id": order_id, "method": "sandbox", "amount_fen": created.data["amount_fen"]}
    await play.ask(family, "order.pay", paying, writes="INSERT INTO payment ", over="http")
    await play.market.paid(family, order_id)
    cancelling = {"order_id": order_id, "reason": "行程有变"}
    await play.ask(family, "order.cancel", cancelling, writes="INSERT INTO refund ", over="http")


@pytest.mark.slow
@pytest.mark.parametrize("point", POINTS)
async def test_whatever_was_acknowledged_outlives_a_death_at_this_point(
    point, server, history, tmp_path, planted_dir
):
    play = Play(server, point)
    await play.rise()
    market = play.market = await open_market(Site(server.url), history)
    try:
        await market.go_live()
        await _serve(play, await _book(play))
        await _cancel(play)
        await come_to_rest(server.store, market.connections)
    finally:
        await market.close()
    server.signal(signal.SIGTERM)
    assert await server.ended(within_s=15.0) == 0
    history.close()
    assert play.deaths == len(_ACTS)
    problems = check_store(server.store, planted=order_ids(planted_dir / "peihu.db"))
    problems += check_history(server.store, read_history(tmp_path / "history.jsonl"))
    assert [*problems, *check_log(server.printed())] == []
