"""When a store and its clients have come to rest."""

from collections.abc import Iterable

from tests.fault.live_client import LiveClient
from tests.fault.server_process import until
from tests.fault.store import Where, open_store

_WITHIN_S = 60.0


async def come_to_rest(where: Where, connections: Iterable[LiveClient], *, within_s: float = _WITHIN_S) -> None:
    """Wait until nothing is on its way and everybody has received everything."""
    listening = tuple(connections)
    await until(lambda: at_rest(where), within_s=within_s, what="something is on its way")
    await until(lambda: caught_up(where, listening), within_s=within_s, what="events lack")


def at_rest(where: Where) -> bool:
    """The outbox is empty and no money is on its way."""
    store = open_store(where)
    try:
        return store.value(
            "SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM refund WHERE status <> 'succeeded') "
            "+ (SELECT count(*) FROM payment WHERE status = 'processing' AND EXISTS "
            "(SELECT 1 FROM sandbox_trade WHERE out_trade_no = payment_id))"
        ) == 0
    finally:
        store.close()


def caught_up(where: Where, connections: Iterable[LiveClient]) -> bool:
    """Each of them stands at the top of every channel that it follows."""
    store = open_store(where)
    try:
        tops = {row["channel"]: row["top"] for row in store.rows("SELECT channel, top FROM channel_head")}
    finally:
        store.close()
    places = [place for connection in connections for place in connection.places.known.items()]
    return all(offset == tops.get(channel, 0) for channel, (_, offset) in places)
