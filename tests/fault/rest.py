"""When a store and its clients have come to rest."""
from pathlib import Path

from tests.fault.checker import Store
from tests.fault.people import Person


def at_rest(path: Path) -> bool:
    """The outbox is empty and no money is on its way."""
    store = Store(path)
    try:
        return store.value(
            "SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM refund WHERE status <> 'succeeded') "
            "+ (SELECT count(*) FROM payment WHERE status = 'processing' AND EXISTS "
            "(SELECT 1 FROM sandbox_trade WHERE out_trade_no = payment_id))"
        ) == 0
    finally:
        store.close()


def caught_up(path: Path, people: list[Person]) -> bool:
    """Everybody stands at the top of every channel they follow."""
    store = Store(path)
    try:
        tops = {row["channel"]: row["top"] for row in store.rows("SELECT channel, top FROM channel_head")}
    finally:
        store.close()
    places = [place for person in people for place in person.live.places.known.items()]
    return all(offset == tops.get(channel, 0) for channel, (_, offset) in places)
