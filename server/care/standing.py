"""Who may write what in an order: the rules in one place."""

from server.care.ports import Orders, Standing
from server.core.call import Actor
from server.core.errors import Refused
from server.core.ids import looks_like_id
from server.storage.transaction import Transaction

_PRESENT = "in_service"


async def require_standing(orders: Orders, tx: Transaction, order_id: str, actor: Actor) -> Standing:
    """The actor's standing. Raises `not_found` for whom the order is not there."""
    standing = None
    if looks_like_id(order_id):
        standing = await orders.standing(tx, order_id, actor.user_id, actor.user_type)
    if standing is None:
        raise Refused("not_found")
    return standing


def may_chat(standing: Standing) -> bool:
    """Whether `require_may_chat` lets pass."""
    return standing.relation != "admin" and standing.may_chat and standing.chat_open


def require_may_chat(standing: Standing) -> None:
    """Raises `forbidden` (administrators read only; family invited without chat) or `chat_closed`."""
    if standing.relation == "admin" or not standing.may_chat:
        raise Refused("forbidden")
    if not standing.chat_open:
        raise Refused("chat_closed")


def require_may_note(standing: Standing) -> str:
    """The id of the assigned caregiver who asks. Raises `forbidden`, `wrong_state`, `already_finished`."""
    if standing.relation != "caregiver" or standing.caregiver_id is None:
        raise Refused("forbidden")
    if standing.status != _PRESENT:
        raise Refused("wrong_state")
    if standing.finished:
        raise Refused("already_finished")
    return standing.caregiver_id
