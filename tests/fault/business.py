"""Business around a fault: people who go on meanwhile, and the check of everything afterwards."""

import asyncio
import time
import uuid
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.fault.checker import check_history, check_log, check_store
from tests.fault.crowd import Crowd
from tests.fault.history import read_history
from tests.fault.market import business_now, open_market
from tests.fault.rest import come_to_rest
from tests.fault.server_process import pass_by
from tests.fault.store import order_ids

_CALLERS = 12
_BUSINESS = {"order.create", "order.pay", "order.accept", "order.cancel", "chat.send", "note.append"}


@dataclass(slots=True)
class Answers:
    """How often each status was answered, and how long the slowest took; 0: no answer."""

    counts: Counter = field(default_factory=Counter)
    longest_s: float = 0.0

    def add(self, outcome, took_s):
        self.counts[outcome.status] += 1
        self.longest_s = max(self.longest_s, took_s)


class Callers:
    """People who all talk in one chat, each as soon as the last answer came."""

    def __init__(self, crowd, *, count=_CALLERS):
        self.crowd, self._count = crowd, count

    async def during(self, seconds, answers=None):
        """What they were answered in that time; each is waited for."""
        answers, end = answers or Answers(), time.monotonic() + seconds
        await asyncio.gather(*(self._call(answers, end, number) for number in range(self._count)))
        return answers

    async def _call(self, answers, end, number):
        family, caregiver, order_id = self.crowd.visits[0]
        person = (family, caregiver)[number % 2].person
        while time.monotonic() < end:
            body = {"order_id": order_id, "msg_id": uuid.uuid4().hex, "kind": "text", "text": "在门诊大厅等您"}
            began_at = time.monotonic()
            outcome = await person.do("chat.send", body, patience_s=0)
            answers.add(outcome, time.monotonic() - began_at)
            if not outcome.is_ok:
                await pass_by(0.05)


@asynccontextmanager
async def business(cluster, history, tmp_path, **crowd_as):
    """Visits and traffic around what befalls the cluster in the block: a crowd; then everything is checked."""
    planted = order_ids(cluster.where)
    market = await open_market(await cluster.open(), history)
    try:
        await market.go_live()
        crowd = Crowd(market, **crowd_as)
        await crowd.open_visits()
        crowd.begin()
        yield crowd
        await crowd.end()
        await crowd.close_visits()
        await come_to_rest(cluster.where, market.connections)
    finally:
        await market.close()
    await cluster.stop()
    history.close()
    cluster.settled()
    problems = check_store(cluster.where, planted=planted)
    problems += check_history(cluster.where, read_history(tmp_path / "history.jsonl"))
    problems += check_log(cluster.printed())
    assert not problems, "\n".join(problems[:20])


async def one_of_each(crowd):
    """Somebody books, pays, is found a caregiver and cancels, a visit is written about; each is asked once and done."""
    market, (_, nurse, visit_id) = crowd.market, crowd.visits[0]
    family, caregiver = market.families[1], market.caregivers[1]
    body = market.order_body(family, market.next_start(family), caregiver_id=caregiver.caregiver_id)
    created = await _done(family, "order.create", body)
    order = {"order_id": created["order_id"]}
    await _done(family, "order.pay", order | {"method": "sandbox", "amount_fen": created["amount_fen"]})
    await market.paid(family, order["order_id"])
    offer_id = await market.offer_to(caregiver, order["order_id"])
    await _done(caregiver, "order.accept", {"offer_id": offer_id}, over="live")
    await _done(family, "order.cancel", order | {"reason": "行程有变"})
    note = {"order_id": visit_id, "msg_id": uuid.uuid4().hex, "kind": "measure", "text": "协助饮水"}
    now = await business_now(market.site)
    await _done(nurse, "note.append", note | {"recorded_at": now.isoformat()})


async def _done(who, name, body, *, over="http"):
    answer = await who.person.do(name, body, over=over, patience_s=0)
    assert answer.is_ok, (name, answer)
    return answer.data


def hindered(records, spans, *, within_s):
    """What of the business was asked in one of the spans (begin, end) and was answered late, in vain, or only when
    asked again. Every kind of it must have been asked."""
    asked = [
        op for op in records
        if op["kind"] == "op" and op["name"] in _BUSINESS and any(a <= op["began_at"] <= b for a, b in spans)
    ]  # fmt: skip
    assert {op["name"] for op in asked} == _BUSINESS
    return [
        op for op in asked
        if op["attempts"] > 1 or op["outcome"] == "unknown" or op["ended_at"] - op["began_at"] > within_s
    ]  # fmt: skip
