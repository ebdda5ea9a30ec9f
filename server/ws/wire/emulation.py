"""Requests of the HTTP fallbacks that carry a message.

A message is text in JSON and bytes in Protobuf, exactly what a frame of a WebSocket would hold.
"""

from google.protobuf.message import DecodeError

from server.core.strict_json import BadJson, parse
from server.ws.wire.answers import Address
from server.ws.wire.commands import BadFrame
from server.ws.wire.protobuf_schema import MESSAGES, compiled, message_class

_EmulationRequest = message_class(compiled(MESSAGES), "EmulationRequest")


def read_json(body: str) -> tuple[Address, str]:
    """Whom the request is for, and the message. Raises BadFrame."""
    try:
        members = parse(body)
    except BadJson:
        raise BadFrame("not JSON") from None
    texts = [members.get(name) for name in ("session", "node", "data")] if type(members) is dict else []
    if len(texts) != 3 or not all(type(text) is str for text in texts):
        raise BadFrame("not an emulation request")
    session, node, message = map(str, texts)
    return Address(session, node), message


def read_protobuf(body: bytes) -> tuple[Address, bytes]:
    """As `read_json`. Raises BadFrame."""
    try:
        told = _EmulationRequest.FromString(body)
    except DecodeError:
        raise BadFrame("not Protobuf") from None
    return Address(told.session, told.node), told.data
