"""Whatever people do in whatever order, an order stays whole.

Random actors create, pay, accept, reject, start, finish, confirm, cancel and review, administrators reassign,
cancel and refund, payers tap late, and time passes; after every step the whole store keeps the invariants of tests/invariants.py.
"""
import os
import shutil
import sys
from datetime import timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.errors import FlakyStrategyDefinition
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import select

from server.app import Parts
from server.booking.rules.states import FINAL_STATES, find_move
from server.storage.tables.billing import payment
from server.storage.tables.booking import offer, order_event, t_order
from tests.cast import HOSPITAL, NEIGHBOUR
from tests.invariants import check_invariants
from tests.race.unguarded import UnguardedCalendar, UnguardedClaims, UnguardedOrders
from tests.stage import Stage

_ACTORS = 3
_SEQUENCES = 400 if os.environ.get("PEIHU_TEST_FAULTS") == "long" else 25
_ANY = st.integers(0, 999)
_LEADS = st.sampled_from([timedelta(minutes=75), timedelta(hours=3), timedelta(hours=5), timedelta(hours=30)])
_STEPS_S = st.sampled_from([1, 30, 60, 60, 120, 120, 300, 900, 3_600, 7_200, 86_400])
_REFUSED = {403, 404, 409, 422}
_EVENT_OF_VERB = {
    "order.accept": "accept",
    "order.start": "start",
    "order.finish": "finish",
    "order.confirm": "confirm",
    "admin.order.reassign": "reassign",
    "admin.order.cancel": "cancel",
}


class Watched(RuleBasedStateMachine):
    """Three families, three caregivers and an administrator over one composed product, and what is checked."""

    loop = None
    open_stage_here = None
    broken = None

    def __init__(self):
        super().__init__()
        self.stage = self._run(type(self).open_stage_here())
        self.families, self.carers = self.stage.families[:_ACTORS], self.stage.caregivers[:_ACTORS]
        self.final = {}
        self._run(self.stage.listen_only(self.carers))

    def _run(self, work):
        return self.loop.run_until_complete(work)

    def _everybody(self):
        return (*self.families, *self.carers, self.stage.admin)

    def _pick(self, rows, number):
        return rows[number % len(rows)] if rows else None

    def _orders(self, *states):
        wanted = select(t_order).order_by(t_order.c.order_id)
        return self._run(self.stage.rows(wanted.where(t_order.c.status.in_(states)) if states else wanted))

    def _act(self, who, verb, order, **body):
        """Do it; what is done must be a move of the table, what is not must be a proper refusal."""
        before = self._run(self.stage.order(order["order_id"]))
        reply = self._run(self.stage.do(who, verb, **body))
        after = self._run(self.stage.order(order["order_id"]))
        assert reply.is_ok or reply.status in _REFUSED, reply
        if not reply.is_ok:
            assert after["version"] == before["version"]
        assert after["version"] - before["version"] in (0, 1)
        if after["version"] > before["version"] and verb in _EVENT_OF_VERB:
            move = find_move(before["status"], _EVENT_OF_VERB[verb], actor=who.user_type)
            assert move is not None and move.target == after["status"]
        return reply

    def _somebody(self, order, number):
        """Mostly one of the order's own people, sometimes anybody."""
        own = [one for one in self.families if one.user_id == order["user_id"]]
        own += [one for one in self.carers if one.caregiver_id == order["caregiver_id"]]
        return self._pick(own if number % 4 else self._everybody(), number)

    @invariant()
    def the_store_is_sound(self):
        self._run(check_invariants(self.stage.database))

    @invariant()
    def whoever_moved_an_order_was_allowed_to(self):
        for row in self._run(self.stage.rows(select(order_event))):
            assert find_move(row["from_status"], row["event"], actor=row["actor_type"]) is not None, dict(row)

    @invariant()
    def nothing_leaves_a_final_state(self):
        for order in self._orders():
            known = self.final.get(order["order_id"])
            assert known in (None, (order["status"], order["version"])), dict(order)
            if order["status"] in FINAL_STATES:
                self.final[order["order_id"]] = (order["status"], order["version"])

    def teardown(self):
        if isinstance(found := sys.exception(), AssertionError):
            self.broken.append(found)
        self._run(self.stage.close())


class Orders(Watched):
    """What may happen next."""

    @initialize(leads=st.tuples(_LEADS, _LEADS))
    def two_are_booked_and_paid(self, leads):
        for family, named, lead in zip(self.families, (None, self.carers[0]), leads, strict=False):
            made = self._run(self.stage.create(family, self.stage.slot(lead=lead), named=named))
            assert self._run(self.stage.pay(family, made.data["order_id"])).is_ok

    @rule(family=_ANY, named=_ANY, lead=_LEADS, patient=st.integers(0, 1), near=st.booleans())
    def create(self, family, named, lead, patient, near):
        somebody = self.carers[named % _ACTORS] if named % 2 else None
        reply = self._run(
            self.stage.create(
                self.families[family % _ACTORS],
                self.stage.slot(lead=lead),
                named=somebody,
                patient=patient,
                hospital_id=HOSPITAL if near else NEIGHBOUR,
            )
        )
        assert reply.is_ok or reply.code in ("patient_busy", "caregiver_busy"), reply

    @rule(which=_ANY, result=st.sampled_from(["approve", "approve", "approve", "decline", None]))
    def pay(self, which, result):
        order = self._pick(self._orders("pending_payment"), which)
        if order is not None:
            family = next(one for one in self.families if one.user_id == order["user_id"])
            reply = self._run(self.stage.pay(family, order["order_id"], result=result))
            assert reply.is_ok or reply.code == "payment_in_progress", reply

    @rule(which=_ANY)
    def tap_late(self, which):
        """The payer of any payment says yes, perhaps long after the order is over."""
        given_up = select(payment).where(payment.c.status.in_(("processing", "closed"))).order_by(payment.c.payment_id)
        one = self._pick(self._run(self.stage.rows(given_up)), which)
        if one is not None:
            self._run(self.stage.tap(one["payment_id"], "approve"))

    @rule(which=_ANY)
    def accept(self, which):
        live = select(offer).where(offer.c.state == "open").order_by(offer.c.offer_id)
        row = self._pick(self._run(self.stage.rows(live)), which)
        if row is not None:
            who = self.stage.caregiver(row["caregiver_id"])
            reply = self._act(who, "order.accept", row, offer_id=row["offer_id"])
            assert reply.is_ok or reply.code in ("caregiver_busy", "offer_expired")

    @rule(which=_ANY, thief=st.booleans(), verb=st.sampled_from(["accept", "reject"]))
    def answer(self, which, thief, verb):
        """Any offer that ever was, by whomever."""
        row = self._pick(self._run(self.stage.rows(select(offer).order_by(offer.c.offer_id))), which)
        if row is None:
            return
        who = self.stage.caregiver(row["caregiver_id"])
        if thief:
            who = next(one for one in self.carers if one is not who)
        more = {"reason": "有事"} if verb == "reject" else {}
        reply = self._act(who, f"order.{verb}", row, offer_id=row["offer_id"], **more)
        if thief:
            assert reply.code == "not_found"

    @rule(which=_ANY, who=_ANY, right=st.booleans())
    def start(self, which, who, right):
        order = self._pick(self._orders("awaiting_service", "in_service", "paid"), which)
        if order is not None:
            code = (order["start_code"] or "000000") if right else "no code"
            person = self._somebody(order, who)
            reply = self._act(person, "order.start", order, order_id=order["order_id"], start_code=code)
            assert not (reply.is_ok and order["status"] == "awaiting_service" and not right)

    @rule(which=_ANY, who=_ANY, verb=st.sampled_from(["finish", "confirm"]))
    def end(self, which, who, verb):
        order = self._pick(self._orders("in_service", "completed", "awaiting_service"), which)
        if order is not None:
            more = {"summary": "已完成"} if verb == "finish" else {}
            person = self._somebody(order, who)
            self._act(person, f"order.{verb}", order, order_id=order["order_id"], **more)

    @rule(which=_ANY, who=_ANY)
    def cancel(self, which, who):
        order = self._pick(self._orders(), which)
        if order is not None:
            person = self._somebody(order, who)
            self._act(person, "order.cancel", order, order_id=order["order_id"], reason="改期")

    @rule(which=_ANY, taker=_ANY, consented=st.booleans())
    def reassign(self, which, taker, consented):
        order = self._pick(self._orders(), which)
        if order is not None:
            self._act(
                self.stage.admin,
                "admin.order.reassign",
                order,
                order_id=order["order_id"],
                caregiver_id=self.carers[taker % _ACTORS].caregiver_id,
                reason="人工调配",
                consented=consented,
            )

    @rule(which=_ANY)
    def cancel_by_the_platform(self, which):
        order = self._pick(self._orders(), which)
        if order is not None:
            self._act(self.stage.admin, "admin.order.cancel", order, order_id=order["order_id"], reason="停诊")

    @rule(which=_ANY, amount_fen=st.sampled_from([1, 800, 3_333, 8_000, 49_999, 50_000]), shared=st.booleans())
    def refund_by_the_platform(self, which, amount_fen, shared):
        order = self._pick(self._orders("completed", "cancelled", "in_service"), which)
        if order is not None:
            self._act(
                self.stage.admin,
                "admin.order.refund",
                order,
                order_id=order["order_id"],
                amount_fen=amount_fen,
                borne_by="shared" if shared else "platform",
                reason="协商退款",
            )

    @rule(seconds=_STEPS_S)
    def time_passes(self, seconds):
        self._run(self.stage.advance(seconds))

    @rule(which=_ANY)
    def the_visit_comes(self, which):
        """Time passes until its caregiver may start, and does."""
        order = self._pick(self._orders("awaiting_service"), which)
        if order is None:
            return
        wait_s = (order["start_at"] - self.stage.clock.now()).total_seconds()
        if wait_s > 0:
            self._run(self.stage.advance(wait_s))
        who = self.stage.caregiver(order["caregiver_id"])
        reply = self._act(who, "order.start", order, order_id=order["order_id"], start_code=order["start_code"])
        assert reply.is_ok

    @rule(which=_ANY, confirms=st.booleans())
    def the_visit_ends(self, which, confirms):
        order = self._pick(self._orders("in_service"), which)
        if order is None:
            return
        who = self.stage.caregiver(order["caregiver_id"])
        assert self._act(who, "order.finish", order, order_id=order["order_id"], summary="已完成").is_ok
        if confirms:
            family = next(one for one in self.families if one.user_id == order["user_id"])
            assert self._act(family, "order.confirm", order, order_id=order["order_id"]).is_ok


@pytest.fixture
def play(io_loop, peopled, tmp_path):
    """`play(parts, ...)` runs the machine on composed products with these parts; `play.broken`: what it found."""
    numbers = count()

    def run(parts, **more):
        async def open_stage():
            directory = tmp_path / f"{next(numbers)}"
            shutil.rmtree(tmp_path / f"{int(directory.name) - 1}", ignore_errors=True)
            return await Stage.open(peopled(directory), parts=parts)

        class Played(Orders):
            loop, open_stage_here, broken = io_loop.asyncio_loop, staticmethod(open_stage), run.broken

        health = list(HealthCheck)
        run_state_machine_as_test(
            Played, settings=settings(deadline=None, database=None, suppress_health_check=health, **more)
        )

    run.broken = []
    return run


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_no_sequence_of_deeds_breaks_an_order(play):
    play(Parts(), max_examples=_SEQUENCES, stateful_step_count=40)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "parts",
    [Parts(calendar=UnguardedCalendar), Parts(claims=UnguardedClaims(), orders=UnguardedOrders)],
    ids=["calendar", "claims_and_orders"],
)
def test_the_machine_is_real_without_a_guard_it_finds_a_broken_order(play, parts):
    with pytest.raises((AssertionError, ExceptionGroup, FlakyStrategyDefinition)):  # the last: not when done again
        play(parts, max_examples=60, stateful_step_count=40, phases=[Phase.generate])
    assert play.broken
