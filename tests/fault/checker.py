"""Judges a store and a recorded history (reliability.md §2.3).

Works on SQLite and MySQL (tests/fault/store.py), with nothing of the product but names and the table of allowed moves.
Every violation is one sentence that begins with the invariant's number.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from tests.fault.store import Store, Where, open_store, stored_text
from tests.fault.timeline import check_timeline
from tests.invariants import CHECKS, TABLES

_TROUBLE = ("Traceback", "never retrieved", "Exception ignored", "[error", "[critical", '"level": "error"')


# What each check of the composed product's tests stands for here.
_NUMBERS = {
    "each_change_is_one_version_and_one_allowed_edge": "I7",
    "one_caregiver_answers_for_an_accepted_order": "I1",
    "offers_are_open_only_while_an_order_waits": "I1",
    "nobody_is_in_two_places": "I2",
    "busy_time_belongs_to_living_orders": "I2",
    "money_is_neither_made_nor_lost": "I6",
    "every_channel_is_without_gaps": "I5",
}


def check_store(where: Where, *, planted: Collection[str] = ()) -> list[str]:
    """What must hold for every store at rest: I1, I2, I5 (logs), I6, I7, I8. `planted` orders have no events."""
    store = open_store(where)
    try:
        rows = {name: store.rows(f"SELECT * FROM {name}") for name in (table.name for table in TABLES)}
        found = [f"{_NUMBERS[check.__name__]} {fault}" for check in CHECKS for fault in check(rows)]
        found += [problem for check in _STORE_CHECKS for problem in check(store)]
        return found + [problem for check in _EVENT_CHECKS for problem in check(store, planted)]
    finally:
        store.close()


def _logs(store: Store) -> Iterator[str]:
    for row in store.rows(
        "SELECT e.channel, count(*) AS n FROM channel_event e GROUP BY e.channel, e.event_key HAVING n > 1"
    ):
        yield f"I5 the log of {row['channel']} tells something {row['n']} times"


def _told(store: Store, planted: Collection[str]) -> Iterator[str]:
    for table, key in (("chat_message", "message_id"), ("service_note", "note_id")):
        for row in store.rows(
            f"SELECT t.order_id, t.{key} AS id, count(e.offset) AS n FROM {table} t LEFT JOIN channel_event e "
            f"ON e.channel = 'order:' || t.order_id AND e.event_key = t.{key} AND e.offset = t.offset "
            f"GROUP BY t.{key} HAVING n <> 1"
        ):
            if row["order_id"] not in planted:
                yield f"I5 {table} {row['id']} has {row['n']} events at its position"
    for row in store.rows(
        "SELECT v.order_id, v.version FROM order_event v LEFT JOIN channel_event e ON "
        "e.channel = 'order:' || v.order_id AND e.event_key = v.order_id || '.' || v.version "
        "WHERE e.offset IS NULL"
    ):
        if row["order_id"] not in planted:
            yield f"I5 nobody was told of version {row['version']} of order {row['order_id']}"


def _money(store: Store) -> Iterator[str]:
    for row in store.rows(
        "SELECT posting, sum(amount_fen) AS fen FROM ledger_entry GROUP BY posting HAVING fen <> 0"
    ):
        yield f"I6 the posting {row['posting']} is off by {row['fen']} fen"
    for row in store.rows(
        "SELECT o.order_id, o.status, count(p.payment_id) AS n FROM t_order o LEFT JOIN payment p "
        "ON p.order_id = o.order_id AND p.status IN ('succeeded', 'refunded') WHERE o.status IN "
        "('paid', 'awaiting_service', 'in_service', 'completed') GROUP BY o.order_id HAVING n <> 1"
    ):
        yield f"I6 order {row['order_id']} is {row['status']} with {row['n']} payments"
    for row in store.rows(
        "SELECT order_id, sum(amount_fen) AS fen FROM ledger_entry WHERE account IN ('customer_funds', 'refunds_due') "
        "AND order_id IN (SELECT order_id FROM t_order WHERE status IN ('completed', 'cancelled')) "
        "GROUP BY order_id HAVING fen <> 0"
    ):
        yield f"I6 order {row['order_id']} is over and {row['fen']} fen of the family are still here"


def _payments(store: Store, planted: Collection[str]) -> Iterator[str]:
    for row in store.rows(
        "SELECT p.order_id, p.payment_id, p.status, p.amount_fen, p.refunded_fen, p.returned_fen, "
        "coalesce(sum(r.amount_fen), 0) AS asked, "
        "coalesce(sum(r.amount_fen * (r.status = 'succeeded')), 0) AS gone, "
        "(SELECT coalesce(sum(s.amount_fen), 0) FROM sandbox_refund s WHERE s.out_trade_no = p.payment_id) AS sent, "
        "(SELECT count(*) FROM ledger_entry l WHERE l.posting = 'payment/' || p.payment_id) AS booked "
        "FROM payment p LEFT JOIN refund r ON r.payment_id = p.payment_id "
        "GROUP BY p.payment_id"
    ):
        if row["order_id"] in planted:
            continue
        received = row["status"] in ("succeeded", "refunded")
        sums = (row["refunded_fen"], row["returned_fen"])
        if row["asked"] > row["amount_fen"] or sums != (row["asked"], row["gone"]) or row["sent"] != row["gone"]:
            yield f"I6 refunds do not add up: {row}"
        if row["booked"] != (2 if received else 0):
            yield f"I6 a payment is booked with {row['booked']} entries: {row}"


def _outbox(store: Store) -> Iterator[str]:
    left = store.value("SELECT count(*) FROM outbox")
    if left:
        yield f"I8 {left} rows are left in the outbox"


_STORE_CHECKS = (_logs, _money, _outbox)
_EVENT_CHECKS = (_told, _payments)


def check_history(where: Where, records: list[dict[str, Any]]) -> list[str]:
    """What the clients were told against what the store holds: I3, I4, I5 (received), and what they saw when."""
    store = open_store(where)
    try:
        return [*_operations(store, records), *_received(store, records), *check_timeline(store, records)]
    finally:
        store.close()


def _operations(store: Store, records: list[dict[str, Any]]) -> Iterator[str]:
    holders: dict[str, set[str]] = defaultdict(set)
    for op in (record for record in records if record["kind"] == "op"):
        effects = _effects(store, op)
        if op["outcome"] == "ok":
            if op["name"] == "order.accept":
                holders[op["data"]["order_id"]].add(op["who"])
            if len(effects) != 1:
                yield f"I3 acknowledged, and there {len(effects)} times: {op}"
            elif wrong := {k: v for k, v in effects[0].items() if k in op["data"] and op["data"][k] != v}:
                yield f"I3 acknowledged with other values than {wrong}: {op}"
        elif op["outcome"] == "refused" and effects:
            yield f"I3 refused, and there all the same: {op}"
        elif op["outcome"] == "unknown" and len(effects) > 1:
            yield f"I4 unknown, and there {len(effects)} times: {op}"
        if op["status"] >= 500 and op["status"] != 503:
            yield f"I10 answered {op['status']}: {op}"
    yield from (f"I1 {len(who)} were told that they have {order}" for order, who in holders.items() if len(who) > 1)


_EFFECTS = {
    "chat.send": (
        "SELECT m.message_id, m.offset FROM chat_message m "
        "WHERE order_id = :order_id AND sender_id = :who AND msg_id = :msg_id"
    ),
    "note.append": (
        "SELECT n.note_id, n.offset FROM service_note n JOIN t_caregiver_info USING (caregiver_id) "
        "WHERE order_id = :order_id AND user_id = :who AND msg_id = :msg_id"
    ),
    "order.create": (  # an account asks for no start twice
        "SELECT order_id FROM t_order WHERE user_id = :who AND start_at = :start_at"
    ),
    "order.pay": "SELECT payment_id FROM payment WHERE order_id = :order_id AND user_id = :who",
    "order.accept": (
        "SELECT order_id FROM offer JOIN t_caregiver_info USING (caregiver_id) "
        "WHERE offer_id = :offer_id AND user_id = :who AND state = 'accepted'"
    ),
    "order.cancel": "SELECT order_id FROM order_event WHERE order_id = :order_id AND event = 'cancel'",
    "order.start": "SELECT order_id FROM order_event WHERE order_id = :order_id AND event = 'start'",
    "order.finish": "SELECT order_id FROM order_event WHERE order_id = :order_id AND event = 'finish'",
    "order.confirm": "SELECT order_id FROM order_event WHERE order_id = :order_id AND event = 'confirm'",
    "order.reject": "SELECT offer_id FROM offer WHERE offer_id = :offer_id AND state = 'rejected'",
}


def _effects(store: Store, op: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows that an operation made."""
    values = op["body"] | {"who": op["who"]}
    if "start_at" in values:
        values["start_at"] = stored_text(datetime.fromisoformat(values["start_at"]))
    return store.named(_EFFECTS[op["name"]], values)


def _received(store: Store, records: list[dict[str, Any]]) -> Iterator[str]:
    streams: dict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
    begins: dict[tuple[str, str], int] = {}
    for record in records:
        where = (record.get("client", ""), record.get("channel", ""))
        if record["kind"] == "joined":
            begins[where] = record["offset"]
        elif record["kind"] == "received":
            streams[where].append((record["offset"], record["event"]))
        elif record["kind"] in ("lost_position", "not_followed"):
            yield f"I5 {record}"
    for (client, channel), begin in begins.items():
        wanted = [
            (row["offset"], row["event_key"])
            for row in store.rows(
                "SELECT e.offset, e.event_key FROM channel_event e "
                "WHERE e.channel = ? AND e.offset > ? ORDER BY e.offset",
                channel, begin,
            )
        ]  # fmt: skip
        got = streams[client, channel]
        if got != wanted:
            yield f"I5 {client} on {channel} after {begin}: {difference(got, wanted)}"


def difference(got: list[tuple[int, str]], wanted: list[tuple[int, str]]) -> str:
    """How a received list differs from the log, in words."""
    repeated = [offset for offset, n in Counter(offset for offset, _ in got).items() if n > 1]
    missing = sorted(set(wanted) - set(got))
    strange = sorted(set(got) - set(wanted))
    return f"missing {missing[:5]}, repeated {repeated[:5]}, not in the log {strange[:5]}, else out of order"


def check_log(text: str) -> list[str]:
    """I10: nothing unhandled was printed."""
    lines = text.splitlines()
    return [
        "I10 the server printed: " + " / ".join(lines[max(0, number - 1) : number + 25])
        for number, line in enumerate(lines)
        if any(word in line for word in _TROUBLE)
    ][:3]
