"""What was seen when: nothing that was known is unknown later.

An order is a register whose version only grows (reliability.md §1.1). Whoever was answered, got an event or read it
knows a version from that moment on, and no read that begins later, by anybody on any instance, may show less: accepts
are linearizable, a session's reads are monotonic, an event is pushed after its commit only. What both sides of a chat
read at the end is one set, and the books sum up to nothing at every moment.
"""

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.fault.store import Store

Record = dict[str, Any]
_STATUS_EVENT = re.compile(r"([0-9a-z]{26})\.(\d+)")
_VERSION_OF = {"order.accept": "accept", "order.start": "start", "order.confirm": "confirm", "order.cancel": "cancel"}


@dataclass(frozen=True, slots=True, order=True)
class Sight:
    """From `at` on it is known that the order has reached this version."""

    at: float
    version: int
    how: str


def check_timeline(store: Store, records: list[Record]) -> list[str]:
    """P2 (reads), P3 (chat as it is read), P6 (books at every moment)."""
    first = "SELECT order_id, event, min(version) AS version FROM order_event GROUP BY order_id, event"
    versions = {(row["order_id"], row["event"]): row["version"] for row in store.rows(first)}
    return [*stale_reads(records, versions), *two_truths(records), *chats(records), *books(records)]


def stale_reads(records: list[Record], versions: dict[tuple[str, str], int]) -> Iterator[str]:
    """Reads that show less than was known before they began. `versions`: the version that an order's event made."""
    known = _known(records, versions)
    for read in (record for record in records if record["kind"] == "read"):
        sights = known[read["order_id"]]
        best = max(sights[: bisect_left(sights, Sight(read["began_at"], 0, ""))], key=_version, default=None)
        if best is not None and best.version > read["version"]:
            late_s = read["began_at"] - best.at
            yield (
                f"P2 {read['who']} read version {read['version']} of {read['order_id']}, {late_s:.3f} s "
                f"after version {best.version} was known by {best.how}"
            )


def _version(sight: Sight) -> int:
    return sight.version


def _known(records: list[Record], versions: dict[tuple[str, str], int]) -> dict[str, list[Sight]]:
    known: dict[str, list[Sight]] = defaultdict(list)
    for record in records:
        if record["kind"] == "read":
            known[record["order_id"]].append(Sight(record["ended_at"], record["version"], f"a read of {record['who']}"))
        elif record["kind"] == "received" and (told := _STATUS_EVENT.fullmatch(record["event"])):
            known[told[1]].append(Sight(record["at"], int(told[2]), f"an event to {record['client']}"))
        elif record["kind"] == "op" and record["outcome"] == "ok" and record["name"] in _VERSION_OF:
            order_id = (record["data"] or {}).get("order_id") or record["body"].get("order_id")
            version = versions.get((order_id, _VERSION_OF[record["name"]]), 0)
            known[order_id].append(Sight(record["ended_at"], version, f"the answer to {record['name']}"))
    return {order_id: sorted(sights) for order_id, sights in known.items()}


def two_truths(records: list[Record]) -> Iterator[str]:
    """Versions of which two different things were read."""
    seen: dict[tuple[str, int], set[tuple[str, Any]]] = defaultdict(set)
    for read in (record for record in records if record["kind"] == "read"):
        seen[read["order_id"], read["version"]].add((read["status"], read["caregiver_id"]))
    for (order_id, version), shown in seen.items():
        if len(shown) > 1:
            yield f"P2 version {version} of {order_id} was read as {sorted(map(str, shown))}"


def chats(records: list[Record]) -> Iterator[str]:
    """A chat as each side read it at the end against what was sent."""
    sent: dict[str, dict[str, str]] = defaultdict(dict)
    for op in (record for record in records if record["kind"] == "op" and record["name"] == "chat.send"):
        sent[op["body"]["order_id"]][op["body"]["msg_id"]] = op["outcome"]
    for read in (record for record in records if record["kind"] == "chat"):
        counts = Counter(msg_id for _, msg_id in read["messages"])
        outcomes = sent[read["order_id"]]
        lost = [msg_id for msg_id, outcome in outcomes.items() if outcome == "ok" and not counts[msg_id]]
        strange = [msg_id for msg_id in counts if outcomes.get(msg_id, "never sent") not in ("ok", "unknown")]
        doubled = [msg_id for msg_id, count in counts.items() if count > 1]
        offsets = [offset for offset, _ in read["messages"]]
        if lost or strange or doubled or offsets != sorted(set(offsets)):
            yield (
                f"P3 {read['who']} reads the chat of {read['order_id']} without {lost[:3]}, twice {doubled[:3]}, "
                f"with the refused {strange[:3]}, in order: {offsets == sorted(set(offsets))}"
            )


def books(records: list[Record]) -> Iterator[str]:
    """Moments at which money was made or lost."""
    for record in records:
        if record["kind"] == "books" and (record["sum_fen"] or record["crooked"]):
            yield f"P6 at {record['at']} the books were off by {record['sum_fen']} fen: {record['crooked'][:3]}"


def read_books(store: Store) -> dict[str, Any]:
    """The ledger as it is at one moment: what all sums up to, and the postings and orders that do not come out even."""
    store.begin()
    crooked = store.rows("SELECT posting, sum(amount_fen) AS fen FROM ledger_entry GROUP BY posting HAVING fen <> 0")
    crooked += store.rows("SELECT order_id, sum(amount_fen) AS fen FROM ledger_entry GROUP BY order_id HAVING fen <> 0")
    crooked += store.rows(
        "SELECT p.payment_id FROM payment p WHERE p.refunded_fen > p.amount_fen OR p.returned_fen > p.refunded_fen"
    )
    total = store.value("SELECT coalesce(sum(amount_fen), 0) FROM ledger_entry")
    return {"sum_fen": total, "crooked": [str(row) for row in crooked]}
