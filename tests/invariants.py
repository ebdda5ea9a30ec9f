"""What must hold of every store at every quiet moment.

reliability.md §2.3 and domain.md §1: the checker that runs after every test of the composed product.
"""
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import timedelta
from itertools import islice, pairwise
from typing import Any

from sqlalchemy import select

from server.booking.rules.states import ASSIGNED_STATES, FINAL_STATES, ORDER_MOVES, OrderState
from server.core.channels import order_channel
from server.core.clock import server_now
from server.storage.sql import Database
from server.storage.tables.billing import ledger_entry, payment, refund
from server.storage.tables.booking import engagement, offer, order_event, t_order
from server.storage.tables.system import channel_event, channel_head

TABLES = (t_order, order_event, offer, engagement, payment, refund, ledger_entry, channel_head, channel_event)
_EDGES = {(move.source, move.event, move.target) for move in ORDER_MOVES}
_VISIT_STATES = {"pending_payment", "paid", "awaiting_service", "in_service"}
Rows = dict[str, list[Any]]


async def check_invariants(database: Database) -> None:
    """AssertionError with everything that is broken."""
    async with database.read() as tx:
        rows = {table.name: await tx.all(select(table)) for table in TABLES}
    broken = [f"{check.__name__}: {fault}" for check in CHECKS for fault in islice(check(rows), 3)]
    assert not broken, "\n".join(broken)


def _by(rows: Iterable[Any], *names: str) -> dict[Any, list[Any]]:
    grouped = defaultdict(list)
    for row in rows:
        grouped[tuple(row[name] for name in names) if len(names) > 1 else row[names[0]]].append(row)
    return grouped


def each_change_is_one_version_and_one_allowed_edge(rows: Rows) -> Iterable[str]:
    history = _by(rows["order_event"], "order_id")
    for order in rows["t_order"]:
        told = sorted(history[order["order_id"]], key=lambda row: row["version"])
        if [row["version"] for row in told] != list(range(1, order["version"] + 1)):
            yield f"{order['order_id']}: versions {[row['version'] for row in told]} of {order['version']}"
        for row in told:
            source = OrderState(row["from_status"]) if row["from_status"] else None
            if (source, row["event"], OrderState(row["to_status"])) not in _EDGES:
                yield f"{order['order_id']}: {row['event']} from {source} to {row['to_status']}"
        if any(one["to_status"] != other["from_status"] for one, other in pairwise(told)):
            yield f"{order['order_id']}: a broken chain"
        if told and told[-1]["to_status"] != order["status"]:
            yield f"{order['order_id']}: {order['status']} without an event"


def one_caregiver_answers_for_an_accepted_order(rows: Rows) -> Iterable[str]:
    offers = _by(rows["offer"], "order_id")
    for order in rows["t_order"]:
        accepted = [row["caregiver_id"] for row in offers[order["order_id"]] if row["state"] == "accepted"]
        if len(accepted) > 1:
            yield f"{order['order_id']}: {len(accepted)} accepted offers"
        is_assigned = OrderState(order["status"]) in ASSIGNED_STATES
        if is_assigned and order["caregiver_id"] is None:
            yield f"{order['order_id']}: {order['status']} without a caregiver"
        if order["status"] in ("pending_payment", "paid") and (order["caregiver_id"] is not None or accepted):
            yield f"{order['order_id']}: {order['status']} with a caregiver"
        if accepted and order["caregiver_id"] not in accepted:
            yield f"{order['order_id']}: the winner is not the caregiver"


def offers_are_open_only_while_an_order_waits(rows: Rows) -> Iterable[str]:
    status = {order["order_id"]: order["status"] for order in rows["t_order"]}
    for row in rows["offer"]:
        if row["state"] == "open" and status[row["order_id"]] != "paid":
            yield f"{row['offer_id']}: open for a {status[row['order_id']]} order"
        if (row["live_key"] is not None) != (row["state"] == "open"):
            yield f"{row['offer_id']}: {row['state']} with key {row['live_key']}"


def nobody_is_in_two_places(rows: Rows) -> Iterable[str]:
    for person, taken in _by(rows["engagement"], "person_kind", "person_id").items():
        taken.sort(key=lambda row: row["start_at"])
        for one, other in pairwise(taken):
            if one["end_at"] > other["start_at"]:
                yield f"{person}: orders {one['order_id']} and {other['order_id']} overlap"


def busy_time_belongs_to_living_orders(rows: Rows) -> Iterable[str]:
    taken = _by(rows["engagement"], "order_id")
    for order in rows["t_order"]:
        patients = [row for row in taken[order["order_id"]] if row["person_kind"] == "patient"]
        carers = [row for row in taken[order["order_id"]] if row["person_kind"] == "caregiver"]
        if [row["person_id"] for row in patients] != [order["patient_id"]] * (order["status"] in _VISIT_STATES):
            yield f"{order['order_id']}: {order['status']} with {len(patients)} patients' times"
        if OrderState(order["status"]) in ASSIGNED_STATES:
            if [(row["person_id"], row["kind"]) for row in carers] != [(order["caregiver_id"], "visit")]:
                yield f"{order['order_id']}: the caregiver's time is not taken"
        elif any(row["kind"] != "hold" or row["person_id"] != order["named_caregiver_id"] for row in carers):
            yield f"{order['order_id']}: {order['status']} holds somebody's time"
        elif carers and OrderState(order["status"]) in FINAL_STATES:
            yield f"{order['order_id']}: over, and still a hold"


def money_is_neither_made_nor_lost(rows: Rows) -> Iterable[str]:
    paid, due = _by(rows["payment"], "order_id"), _by(rows["refund"], "order_id")
    ledger = _by(rows["ledger_entry"], "order_id")
    for order in rows["t_order"]:
        order_id = order["order_id"]
        paid_fen = sum(row["amount_fen"] for row in paid[order_id] if row["paid_at"] is not None)
        refunds_fen = sum(row["amount_fen"] for row in due[order_id])
        sums = defaultdict(int)
        for row in ledger[order_id]:
            sums[row["account"]] += row["amount_fen"]
        if refunds_fen > paid_fen:
            yield f"{order_id}: {refunds_fen} go back of {paid_fen}"
        if sum(sums.values()) != 0:
            yield f"{order_id}: the ledger sums to {sum(sums.values())}"
        if sums["provider_cash"] < 0 or (ledger[order_id] and not paid_fen):
            yield f"{order_id}: money from nowhere {dict(sums)}"
        if order["status"] in ("cancelled", "completed") and sums["customer_funds"] != 0:
            yield f"{order_id}: {order['status']} and {sums['customer_funds']} fen are still held"
        if order["status"] == "cancelled" and paid_fen and refunds_fen + order["cancel_fee_fen"] != paid_fen:
            yield f"{order_id}: refund {refunds_fen} + fee {order['cancel_fee_fen']} of {paid_fen}"


def every_channel_is_without_gaps(rows: Rows) -> Iterable[str]:
    """Retention takes the beginning of channels of orders older than 30 days, as the demo world has them."""
    told = _by(rows["channel_event"], "channel")
    last_month = str(server_now() - timedelta(days=29))[:10]
    old = {order_channel(row["order_id"]) for row in rows["t_order"] if str(row["created_at"])[:10] < last_month}
    for head in rows["channel_head"]:
        offsets = sorted(row["offset"] for row in told[head["channel"]])
        first = 1 if head["channel"] not in old else min(offsets, default=head["top"] + 1)
        if offsets != list(range(first, head["top"] + 1)):
            yield f"{head['channel']}: {len(offsets)} events, top {head['top']}"


CHECKS: tuple[Callable[[Rows], Iterable[str]], ...] = (
    each_change_is_one_version_and_one_allowed_edge,
    one_caregiver_answers_for_an_accepted_order,
    offers_are_open_only_while_an_order_waits,
    nobody_is_in_two_places,
    busy_time_belongs_to_living_orders,
    money_is_neither_made_nor_lost,
    every_channel_is_without_gaps,
)
