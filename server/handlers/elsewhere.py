"""What other processes serve, with `serve --roles`."""
from tornado.web import URLSpec

from server.handlers.http.base import EdgeHandler
from server.handlers.http.edge import Edge

CHANNELS = r"/(?:connection(?:/.*)?|emulation)$"
EVERYTHING = r"/.*$"


class ServedElsewhere(EdgeHandler):
    """404 with a code of its own: the address is right, the proxy's rules are not."""

    route = "elsewhere"

    async def serve(self, **_: str) -> None:
        self.answer("not_served_here", None)


def elsewhere_routes(pattern: str, edge: Edge) -> list[URLSpec]:
    """One rule for all that the pattern matches; to stand last."""
    return [URLSpec(pattern, ServedElsewhere, {"edge": edge})]
