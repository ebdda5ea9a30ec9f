"""The operations over the live channel."""

from collections.abc import Iterable
from typing import Any

from config.reading import fingerprint, read_command
from server.core.call import Actor, Call, KeyedRequest, is_idempotency_key
from server.core.errors import Refused
from server.core.ids import new_id
from server.core.operation import Operation
from server.ws.ports import Identity, UnknownMethod


class Rpc:
    """Implements `ws.ports.CallMethod`; methods are the paths' words (`order.accept`)."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self._operations = {operation.name: operation for operation in operations if operation.rpc}

    async def __call__(self, identity: Identity, method: str, data: Any, remote_address: str) -> Any:
        """Run a method for an identity. Raises UnknownMethod, Refused, Unavailable."""
        operation = self._operations.get(method)
        if operation is None:
            raise UnknownMethod(method)
        if identity.user_type not in operation.roles:
            raise Refused("forbidden")
        body = {} if data is None else data
        keyed, body = _take_key(operation, body)
        call = Call(
            actor=Actor(identity.user_id, identity.user_type, identity.login_id),
            request_id=new_id(),
            remote_address=remote_address,
            success_status=operation.status,
            keyed=keyed,
        )
        return await operation.run(call, read_command(operation, body))


def _take_key(operation: Operation, body: Any) -> tuple[KeyedRequest | None, Any]:
    """The request's key and the body without it; one key space with REST."""
    if operation.keyed == "never" or type(body) is not dict:
        return None, body
    rest = {name: value for name, value in body.items() if name != "idempotency_key"}
    if "idempotency_key" not in body:
        if operation.keyed == "required":
            raise Refused("idempotency_key_required")
        return None, rest
    if not is_idempotency_key(body["idempotency_key"]):
        raise Refused("malformed")
    return KeyedRequest(operation.name, body["idempotency_key"], fingerprint(rest)), rest
