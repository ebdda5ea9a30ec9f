"""Every question about a store sees what it is there for."""

import pytest
from sqlalchemy import text

from server.upkeep.invariants import INVARIANTS, findings

# By its words: statements after each of which that invariant, and perhaps another one, does not hold. What stands in
# braces is looked up before: MySQL does not change a table that the same statement looks into.
LOOKED_UP = {
    "done": "SELECT min(order_id) FROM t_order WHERE status = 'completed'",
    "ahead": "SELECT min(order_id) FROM t_order WHERE status = 'awaiting_service'",
    "strange": "SELECT min(caregiver_id) FROM offer WHERE order_id <> (SELECT min(order_id) FROM t_order"
    " WHERE status = 'completed')",
    "person": "SELECT min(person_id) FROM engagement",
    "first": "SELECT min(start_at) FROM engagement",
    "last": "SELECT max(end_at) FROM engagement",
    "noted": "SELECT min(order_id) FROM service_note",
    "note": "SELECT max(note_id) FROM service_note",
    "entry": "SELECT min(entry_id) FROM ledger_entry",
    "channel": "SELECT min(channel) FROM channel_event",
}
BREAKS = {
    "an order has one winner at most": [
        "UPDATE offer SET order_id = '{done}' WHERE state = 'accepted' AND order_id <> '{done}'"
    ],
    "exactly the assigned orders have a caregiver": [
        "UPDATE t_order SET caregiver_id = NULL WHERE order_id = '{ahead}'",
        "UPDATE t_order SET status = 'paid' WHERE order_id = '{ahead}'",
    ],
    "the caregiver of an order is the one who accepted": [
        "UPDATE t_order SET caregiver_id = '{strange}' WHERE order_id = '{done}'"
    ],
    "offers are open only while their order waits for one": [
        "UPDATE offer SET state = 'open', live_key = 'x' WHERE order_id = '{done}'",
        "UPDATE offer SET live_key = 'x' WHERE order_id = '{done}'",
    ],
    "nobody is in two places": [
        "UPDATE engagement SET person_id = '{person}',"
        " start_at = '{first}', end_at = '{last}'"
        " WHERE person_kind = 'patient'"
    ],
    "a living order has its people's time": [
        "DELETE FROM engagement WHERE person_kind = 'patient' AND order_id = '{ahead}'",
        "DELETE FROM engagement WHERE person_kind = 'caregiver' AND order_id = '{ahead}'",
        "UPDATE engagement SET kind = 'hold' WHERE person_kind = 'caregiver' AND order_id = '{ahead}'",
    ],
    "time is taken only for people of living orders": [
        "UPDATE engagement SET order_id = '{done}' WHERE order_id = '{ahead}' AND person_kind = 'patient'",
        "UPDATE engagement SET person_id = 'nobody' WHERE order_id = '{ahead}' AND person_kind = 'caregiver'",
    ],
    "every message and note has a position of its own": [
        "UPDATE service_note SET {offset} = 1 WHERE order_id = '{noted}'"
    ],
    "no message or note stands beyond its channel's head": [
        "UPDATE service_note SET {offset} = {offset} + 9999 WHERE note_id = '{note}'"
    ],
    "channels have no gap up to their head": [
        "DELETE FROM channel_event WHERE {offset} = 2",
        "UPDATE channel_head SET top = top + 1 WHERE channel = '{channel}'",
        "DELETE FROM channel_head WHERE channel = '{channel}'",
    ],
    "every posting sums to zero": [
        "UPDATE ledger_entry SET amount_fen = amount_fen + 1 WHERE entry_id = '{entry}'"
    ],
    "no order has given more than it got": [
        "UPDATE ledger_entry SET amount_fen = -amount_fen * 3 WHERE account = 'provider_cash' AND amount_fen > 0"
    ],
    "nothing is held for an order that is over": [
        "DELETE FROM ledger_entry WHERE account = 'customer_funds' AND amount_fen > 0 AND order_id = '{done}'"
    ],
    "money comes from payments": ["UPDATE payment SET paid_at = NULL WHERE order_id = '{done}'"],
    "refunds fit what was paid": [
        "UPDATE refund SET amount_fen = amount_fen + 1",
        "UPDATE refund SET amount_fen = amount_fen - 1",
        "DELETE FROM refund",
    ],
    "a payment gives back no more than it brought": [
        "UPDATE payment SET refunded_fen = amount_fen + 1",
        "UPDATE payment SET returned_fen = refunded_fen + 1",
        "UPDATE payment SET returned_fen = -1",
    ],
    "settlements add up": ["UPDATE settlement SET net_fen = net_fen + 1"],
    "every change is an allowed move": [
        "UPDATE order_event SET event = 'vanish' WHERE version = 2",
        "UPDATE order_event SET from_status = 'completed' WHERE version = 1",
        "UPDATE order_event SET from_status = NULL WHERE version = 3",
    ],
    "every change begins where the one before ended": [
        "UPDATE order_event SET to_status = 'cancelled' WHERE version = 2",
        "UPDATE order_event SET from_status = 'paid' WHERE version = 1",
    ],
    "every order stands where its changes led, one version each": [
        "DELETE FROM order_event WHERE version = 2 AND order_id = '{done}'",
        "UPDATE t_order SET version = version + 1 WHERE order_id = '{done}'",
        "UPDATE t_order SET status = 'in_service' WHERE order_id = '{done}'",
        "DELETE FROM order_event WHERE order_id = '{done}'",
    ],
    "ratings and visits are counted right": [
        "UPDATE t_caregiver_info SET completed_count = completed_count + 1",
        "UPDATE t_caregiver_info SET review_count = review_count + 1",
        "UPDATE t_caregiver_info SET rating_sum = rating_sum + 1",
        "UPDATE t_caregiver_info SET good_count = good_count + 1",
    ],
}


@pytest.fixture
def planted(plant, store, io_loop):
    """A store with orders of the past and ahead."""
    io_loop.asyncio_loop.run_until_complete(plant(caregivers=8, orders=200))
    return store


def broken(connection):
    return {one.words for one in findings(connection) if one.count}


def test_every_invariant_is_broken_here():
    assert set(BREAKS) == {one.words for one in INVARIANTS}


def test_each_break_is_seen_by_its_invariant(planted):
    with planted.connected() as connection:
        if not planted.is_sqlite:
            connection.execute(text("SET SESSION foreign_key_checks=0"))
        found = {name: connection.scalar(text(question)) for name, question in LOOKED_UP.items()}
        found["offset"] = '"offset"' if planted.is_sqlite else "`offset`"
        assert broken(connection) == set()
        connection.rollback()
        for words, statements in BREAKS.items():
            for statement in (one.format(**found) for one in statements):
                assert connection.execute(text(statement)).rowcount > 0, statement
                assert words in broken(connection), statement
                connection.rollback()
        assert broken(connection) == set()


def test_a_finding_names_some_of_what_breaks_it(planted):
    with planted.connected() as connection:
        connection.execute(text("UPDATE settlement SET net_fen = net_fen + 1"))
        (found,) = [one for one in findings(connection) if one.count]
        there = {row[0] for row in connection.execute(text("SELECT order_id FROM settlement"))}
        assert found.count == len(there) and len(found.examples) == 3 and set(found.examples) <= there
