"""F25: the machine's clock is stepped by an hour, back and forth.

Durations are monotonic, so sockets and pauses feel nothing; positions never come from a clock; what has a deadline
by the clock moves with it, because on one machine that clock is the only one there is.
"""

import shutil
import signal
import uuid
from datetime import timedelta
from pathlib import Path

import pytest

from tests.fault.checker import check_history, check_log, check_store
from tests.fault.crowd import Crowd
from tests.fault.history import read_history
from tests.fault.market import business_now, open_market, quarter_after
from tests.fault.people import Site
from tests.fault.server_process import ServerProcess, free_port, pass_by, until
from tests.fault.store import order_ids
from tests.services.demand import leave_out
from tests.services.programs import Missing, library

_NOTICED_S = 2.5  # the library looks into its file when the second after next begins
_DELIVERED_WITHIN_S = 3.0
_ANSWERED_WITHIN_S = 20.0


class Clock:
    """The wall clock of one process; its monotonic clock is left alone."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self.environment = {
            "LD_PRELOAD": library("faketime/libfaketimeMT.so.1", "libfaketime"),
            "FAKETIME_TIMESTAMP_FILE": str(place),
            "FAKETIME_CACHE_DURATION": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DONT_RESET": "1",
            "NO_FAKE_STAT": "1",
        }
        self._place.write_text("+0h", encoding="ascii")

    async def step_to(self, hours: int) -> None:
        """So many hours from the true time, from now on."""
        await self.say(f"{hours:+d}h")

    async def say(self, difference: str) -> None:
        """Write it down, and wait until it was certainly read."""
        self._place.write_text(difference, encoding="ascii")
        await pass_by(_NOTICED_S)


@pytest.fixture
def clock(tmp_path):
    try:
        return Clock(tmp_path / "clock")
    except Missing as missing:
        leave_out(str(missing))


@pytest.fixture
def server(clock, planted_dir, tmp_path):
    data_dir = tmp_path / "data"
    shutil.copytree(planted_dir, data_dir)
    log = tmp_path / "server.log"
    server = ServerProcess(data_dir, port=free_port(), log=log, environment=clock.environment)
    yield server
    server.put_away()


async def _talk(market, visit):
    """Both say something over their open sockets, and both hear it in time."""
    family, caregiver, order_id = visit
    for person in (family.person, caregiver.person):
        message = {"order_id": order_id, "msg_id": uuid.uuid4().hex, "kind": "text", "text": "在门诊大厅等您"}
        said = await person.do("chat.send", message, over="live", patience_s=0)
        assert said.is_ok, said
        offset = said.data["offset"]
        for other in (family.person, caregiver.person):
            known = other.live.places.known
            await until(
                lambda known=known, offset=offset: known[f"order:{order_id}"][1] >= offset,
                within_s=_DELIVERED_WITHIN_S, what=f"{other.name} did not hear of {offset}",
            )  # fmt: skip


async def _open_offer(market):
    """An order that waits for its named caregiver; (family, order, offer)."""
    family, caregiver = market.families[0], market.caregivers[1]
    start_at = quarter_after(await business_now(market.site), ahead=timedelta(hours=30))
    body = market.order_body(family, start_at, caregiver_id=caregiver.caregiver_id)
    created = await family.person.do("order.create", body)
    paying = {"order_id": created.data["order_id"], "method": "sandbox", "amount_fen": created.data["amount_fen"]}
    assert (await family.person.do("order.pay", paying)).is_ok
    await market.paid(family, created.data["order_id"])
    return caregiver, await market.offer_to(caregiver, created.data["order_id"])


async def _log_in_again(site, person, *, code):
    """Whose token the clock has made strange is told so, and gets another one."""
    refused = await site.call("GET", "/api/user/me", token=person.token)
    assert (refused.status, refused.code) == (401, code)
    refreshed = await site.data("POST", "/api/user/refresh", body={"refresh_token": person.refresh_token})
    person.token, person.refresh_token = refreshed["token"], refreshed["refresh_token"]
    assert (await site.call("GET", "/api/user/me", token=person.token)).is_ok


@pytest.mark.slow
async def test_a_stepped_clock_neither_cuts_sockets_nor_stops_deliveries(
    server, clock, history, tmp_path, planted_dir
):
    server.start()
    await server.ready()
    market = await open_market(Site(server.url), history)
    try:
        await market.go_live()
        crowd = Crowd(market, seed=25)
        await crowd.open_visits()
        visit = crowd.visits[0]
        await _talk(market, visit)
        waiting, offer_id = await _open_offer(market)
        for hours, code in ((-1, "unauthorized"), (0, None), (1, "token_expired")):
            await clock.step_to(hours)
            await _talk(market, visit)
            if code is not None:
                people = [waiting.person] if hours < 0 else market.people
                for person in people:
                    await _log_in_again(market.site, person, code=code)
            if hours < 0:
                offers = (await waiting.person.get("/api/order/offers"))["items"]
                assert offer_id in [each["offer_id"] for each in offers], "ended before its time"
            await server.ready(within_s=_ANSWERED_WITHIN_S)
            await _talk(market, visit)
        assert {person.live.sessions for person in market.people} == {1}, "a socket was cut"
    finally:
        await market.close()
    server.signal(signal.SIGTERM)
    assert await server.ended(within_s=15.0) == 0
    history.close()
    problems = check_store(server.store, planted=order_ids(planted_dir / "peihu.db"))
    problems += check_history(server.store, read_history(tmp_path / "history.jsonl"))
    assert [*problems, *check_log(server.printed())] == []
