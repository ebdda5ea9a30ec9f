"""Judges a store and a recorded history (reliability.md §2.3).

Reads the SQLite file as it lies there, with nothing of the product but the table of allowed moves. Every
violation is one sentence that begins with the invariant's number.
"""
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from server.booking.states import ORDER_MOVES

_ALLOWED = {(move.source and str(move.source), move.event, str(move.target)) for move in ORDER_MOVES}
_ASSIGNED = ("awaiting_service", "in_service", "completed")
_TROUBLE = ("Traceback", "never retrieved", "Exception ignored", "[error", "[critical", '"level": "error"')


class Store:
    """Rows of the file as dicts; `planted` are orders that were there before and have no events."""

    def __init__(self, path: Path, *, planted: Path | None = None) -> None:
        self._connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("CREATE TEMP TABLE planted_order (order_id TEXT PRIMARY KEY)")
        if planted is not None:
            self._connection.execute("ATTACH ? AS planted", (f"file:{planted}?mode=ro",))
            self._connection.execute("INSERT INTO planted_order SELECT order_id FROM planted.t_order")

    def rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        return [dict(row) for row in self._connection.execute(sql, values)]

    def named(self, sql: str, values: dict[str, Any]) -> list[dict[str, Any]]:
        return [dict(row) for row in self._connection.execute(sql, values)]

    def value(self, sql: str, *values: Any) -> Any:
        return next(iter(self._connection.execute(sql, values).fetchone()))

    def close(self) -> None:
        self._connection.close()


def check_store(path: Path, *, planted: Path | None = None) -> list[str]:
    """What must hold for every store at rest: I1, I2, I5 (logs), I6, I7, I8."""
    store = Store(path, planted=planted)
    try:
        return [problem for check in _STORE_CHECKS for problem in check(store)]
    finally:
        store.close()


def _bookings(store: Store) -> Iterator[str]:
    for row in store.rows(
        "SELECT order_id, count(*) AS n FROM offer WHERE state = 'accepted' GROUP BY order_id HAVING n > 1"
    ):
        yield f"I1 order {row['order_id']} was accepted {row['n']} times"
    for row in store.rows(
        "SELECT o.order_id, o.status, o.caregiver_id AS has, f.caregiver_id AS accepted FROM t_order o "
        "JOIN offer f ON f.order_id = o.order_id AND f.state = 'accepted' "
        "WHERE o.caregiver_id IS NOT f.caregiver_id"
    ):
        yield f"I1 order {row['order_id']} ({row['status']}) has {row['has']}, {row['accepted']} accepted"
    for row in store.rows(
        "SELECT o.order_id, o.status, count(e.engagement_id) AS n FROM t_order o LEFT JOIN engagement e "
        "ON e.order_id = o.order_id AND e.kind = 'visit' AND e.person_kind = 'caregiver' "
        "AND e.person_id = o.caregiver_id WHERE o.status IN ('awaiting_service', 'in_service') "
        "GROUP BY o.order_id HAVING n <> 1"
    ):
        yield f"I1 order {row['order_id']} ({row['status']}) keeps {row['n']} times of its caregiver"
    for row in store.rows(
        "SELECT order_id, caregiver_id FROM offer WHERE state = 'open' AND order_id IN "
        "(SELECT order_id FROM t_order WHERE status <> 'paid')"
    ):
        yield f"I1 an offer to {row['caregiver_id']} outlived the search for order {row['order_id']}"


def _overlaps(store: Store) -> Iterator[str]:
    for row in store.rows(
        "SELECT a.person_id, a.order_id AS one, b.order_id AS other FROM engagement a JOIN engagement b "
        "ON a.person_kind = b.person_kind AND a.person_id = b.person_id AND a.engagement_id < b.engagement_id "
        "AND a.start_at < b.end_at AND b.start_at < a.end_at"
    ):
        yield f"I2 {row['person_id']} is busy twice: {row['one']} and {row['other']}"


def _logs(store: Store) -> Iterator[str]:
    for row in store.rows(
        "SELECT h.channel, h.top, count(e.offset) AS n, min(e.offset) AS low, max(e.offset) AS high, "
        "count(DISTINCT e.event_key) AS keys FROM channel_head h LEFT JOIN channel_event e "
        "ON e.channel = h.channel GROUP BY h.channel"
    ):
        if (row["n"], row["low"], row["high"], row["keys"]) != (row["top"], 1, row["top"], row["top"]):
            yield f"I5 the log of {row['channel']} is not 1..{row['top']}: {row}"
    for table, key in (("chat_message", "message_id"), ("service_note", "note_id")):
        for row in store.rows(
            f"SELECT t.{key} AS id, count(e.offset) AS n FROM {table} t LEFT JOIN channel_event e "
            f"ON e.channel = 'order:' || t.order_id AND e.event_key = t.{key} AND e.offset = t.offset "
            f"WHERE t.order_id NOT IN (SELECT order_id FROM planted_order) GROUP BY t.{key} HAVING n <> 1"
        ):
            yield f"I5 {table} {row['id']} has {row['n']} events at its position"
    for row in store.rows(
        "SELECT v.order_id, v.version FROM order_event v LEFT JOIN channel_event e ON "
        "e.channel = 'order:' || v.order_id AND e.event_key = v.order_id || '.' || v.version "
        "WHERE e.offset IS NULL AND v.order_id NOT IN (SELECT order_id FROM planted_order)"
    ):
        yield f"I5 nobody was told of version {row['version']} of order {row['order_id']}"


def _money(store: Store) -> Iterator[str]:
    for row in store.rows(
        "SELECT posting, sum(amount_fen) AS fen FROM ledger_entry GROUP BY posting HAVING fen <> 0"
    ):
        yield f"I6 the posting {row['posting']} is off by {row['fen']} fen"
    for row in store.rows(
        "SELECT p.payment_id, p.status, p.amount_fen, p.refunded_fen, p.returned_fen, "
        "coalesce(sum(r.amount_fen), 0) AS asked, "
        "coalesce(sum(r.amount_fen * (r.status = 'succeeded')), 0) AS gone, "
        "(SELECT coalesce(sum(s.amount_fen), 0) FROM sandbox_refund s WHERE s.out_trade_no = p.payment_id) AS sent, "
        "(SELECT count(*) FROM ledger_entry l WHERE l.posting = 'payment/' || p.payment_id) AS booked "
        "FROM payment p LEFT JOIN refund r ON r.payment_id = p.payment_id "
        "WHERE p.order_id NOT IN (SELECT order_id FROM planted_order) GROUP BY p.payment_id"
    ):
        received = row["status"] in ("succeeded", "refunded")
        sums = (row["refunded_fen"], row["returned_fen"])
        if row["asked"] > row["amount_fen"] or sums != (row["asked"], row["gone"]) or row["sent"] != row["gone"]:
            yield f"I6 refunds do not add up: {row}"
        if row["booked"] != (2 if received else 0):
            yield f"I6 a payment is booked with {row['booked']} entries: {row}"
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


def _moves(store: Store) -> Iterator[str]:
    histories: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in store.rows(
        "SELECT order_id, version, event, from_status, to_status FROM order_event ORDER BY order_id, version"
    ):
        histories[row["order_id"]].append(row)
    orders = store.rows("SELECT order_id, status, version FROM t_order")
    for order in orders:
        history = histories[order["order_id"]]
        if [row["version"] for row in history] != list(range(1, order["version"] + 1)):
            yield f"I7 order {order['order_id']} has version {order['version']} and {len(history)} changes"
        elif history[-1]["to_status"] != order["status"]:
            yield f"I7 order {order['order_id']} is {order['status']}, its history ends {history[-1]['to_status']}"
        before = None
        for row in history:
            if (before, row["event"], row["to_status"]) not in _ALLOWED or row["from_status"] != before:
                yield f"I7 order {order['order_id']} made a forbidden move: {before} {row}"
            before = row["to_status"]


def _outbox(store: Store) -> Iterator[str]:
    left = store.value("SELECT count(*) FROM outbox")
    if left:
        yield f"I8 {left} rows are left in the outbox"


_STORE_CHECKS = (_bookings, _overlaps, _logs, _money, _moves, _outbox)


def check_history(path: Path, records: list[dict[str, Any]]) -> list[str]:
    """What the clients were told against what the store holds: I3, I4, I5 (received)."""
    store = Store(path)
    try:
        return [*_operations(store, records), *_received(store, records)]
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
        "SELECT message_id, offset FROM chat_message "
        "WHERE order_id = :order_id AND sender_id = :who AND msg_id = :msg_id"
    ),
    "note.append": (
        "SELECT note_id, offset FROM service_note JOIN t_caregiver_info USING (caregiver_id) "
        "WHERE order_id = :order_id AND user_id = :who AND msg_id = :msg_id"
    ),
    "order.create": (  # an account asks for no start twice
        "SELECT order_id FROM t_order "
        "WHERE user_id = :who AND strftime('%s', start_at) = strftime('%s', :start_at)"
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
    return store.named(_EFFECTS[op["name"]], op["body"] | {"who": op["who"]})


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
                "SELECT offset, event_key FROM channel_event WHERE channel = ? AND offset > ? ORDER BY offset",
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
