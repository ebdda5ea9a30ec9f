"""The history checker sees each kind of violation, and none in what is right."""

import sqlite3

import pytest

from tests.fault.store import SqliteStore
from tests.fault.timeline import books, chats, check_timeline, read_books, stale_reads, two_truths

ORDER, OTHER = "0" * 26, "1" * 26
ACCEPTED = {(ORDER, "accept"): 3}


def read(version, began_at, *, who="family", status="paid", caregiver_id=None, order_id=ORDER):
    return {
        "kind": "read", "who": who, "order_id": order_id, "version": version, "status": status,
        "caregiver_id": caregiver_id, "began_at": began_at, "ended_at": began_at + 0.5,
    }  # fmt: skip


def accept(ended_at, outcome="ok"):
    data = {"order_id": ORDER} if outcome == "ok" else None
    return {
        "kind": "op", "name": "order.accept", "outcome": outcome, "data": data, "body": {"offer_id": "x"},
        "began_at": ended_at - 1, "ended_at": ended_at,
    }  # fmt: skip


def pushed(version, at, order_id=ORDER):
    event = f"{order_id}.{version}"
    return {"kind": "received", "client": "family", "channel": "c", "offset": 1, "event": event, "at": at}


def said(msg_id, outcome="ok"):
    return {"kind": "op", "name": "chat.send", "outcome": outcome, "body": {"order_id": ORDER, "msg_id": msg_id}}


def chat(*messages):
    return {"kind": "chat", "who": "family", "order_id": ORDER, "messages": list(messages)}


def found(records):
    return [*stale_reads(records, ACCEPTED), *two_truths(records), *chats(records), *books(records)]


SOUND = [
    read(2, 0.0),
    accept(10.0),
    accept(10.0, "unknown"),
    read(2, 9.9),  # began before the answer came: it may show either
    read(3, 9.9, status="awaiting_service", caregiver_id="c"),
    read(3, 10.5, status="awaiting_service", caregiver_id="c"),
    pushed(3, 11.0),
    pushed(9, 11.0, OTHER),
    read(3, 11.5, who="caregiver", status="awaiting_service", caregiver_id="c"),
    said("a"),
    said("b", "unknown"),
    said("c", "refused"),
    chat([4, "a"], [6, "b"]),
    {"kind": "books", "at": 12.0, "sum_fen": 0, "crooked": []},
]
VIOLATIONS = {
    "a read that shows an order open after its accept was answered": [read(2, 10.1)],
    "another's read that shows less than one that had ended": [read(3, 1.0), read(2, 1.6, who="caregiver")],
    "a session that goes back": [read(3, 1.0, status="x"), read(2, 2.0)],
    "an event that was pushed before its commit": [pushed(4, 12.0), read(3, 12.1, status="awaiting_service")],
    "two caregivers at one version": [read(3, 11.9, status="awaiting_service", caregiver_id="another")],
    "an acknowledged message that is lost": [said("d")],
    "a message that is there twice": [chat([4, "a"], [6, "b"], [7, "a"])],
    "a refused message that is there": [chat([4, "a"], [5, "c"])],
    "a message that nobody sent": [chat([4, "a"], [5, "z"])],
    "a chat out of order": [chat([6, "b"], [4, "a"])],
    "money out of nothing": [{"kind": "books", "at": 13.0, "sum_fen": 1, "crooked": ["p"]}],
    "a posting that does not come out even": [{"kind": "books", "at": 13.0, "sum_fen": 0, "crooked": ["p"]}],
}


def test_what_is_right_is_not_called_wrong():
    assert found(SOUND) == []


@pytest.mark.parametrize("violation", VIOLATIONS)
def test_each_violation_is_seen(violation):
    assert len(found([*SOUND, *VIOLATIONS[violation]])) >= 1


@pytest.fixture
def ledger(tmp_path):
    with sqlite3.connect(tmp_path / "books.db") as file:
        file.executescript(
            "CREATE TABLE ledger_entry (posting, order_id, amount_fen);"
            "CREATE TABLE payment (payment_id, amount_fen, refunded_fen, returned_fen);"
            "CREATE TABLE order_event (order_id, event, version);"
            "INSERT INTO ledger_entry VALUES ('a', 'o', 5), ('a', 'o', -5);"
            "INSERT INTO payment VALUES ('p', 5, 5, 0);"
        )
    yield file, SqliteStore(tmp_path / "books.db")
    file.close()


def test_books_that_come_out_even_are_right(ledger):
    _, store = ledger
    assert read_books(store) == {"sum_fen": 0, "crooked": []}
    assert check_timeline(store, SOUND) == []
    store.close()


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE ledger_entry SET amount_fen = 6 WHERE amount_fen = 5",
        "UPDATE ledger_entry SET posting = 'b' WHERE amount_fen = 5",
        "UPDATE ledger_entry SET order_id = 'other' WHERE amount_fen = 5",
        "UPDATE payment SET refunded_fen = 6",
        "UPDATE payment SET returned_fen = 6",
    ],
)
def test_books_that_do_not_come_out_even_are_seen(ledger, damage):
    file, store = ledger
    with file:
        assert file.execute(damage).rowcount == 1
    assert list(books([{"kind": "books", "at": 1.0, **read_books(store)}]))
    store.close()
