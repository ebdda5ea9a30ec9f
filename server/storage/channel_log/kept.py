"""How long events of channels are kept, and how many."""

from datetime import timedelta

from server.core.channels import order_channel

ORDERS = order_channel("")  # how their channels' names begin
_USER_EVENTS, _ORDER_EVENTS = 2_000, 20_000
USER_EVENTS_FOR = timedelta(days=7)
ORDER_EVENTS_FOR = timedelta(days=30)  # after the order's end
POSITIONS_FOR = timedelta(days=90)


def most_events(channel: str) -> int:
    """So many, whatever their age."""
    return _ORDER_EVENTS if channel.startswith(ORDERS) else _USER_EVENTS
