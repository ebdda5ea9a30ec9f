"""How Tornado is set up at this edge."""
from typing import Any

from tornado.web import RequestHandler

from server.handlers.http.base import UnknownPath
from server.handlers.http.edge import Edge

_HEADER_BYTES = 16_384
_SLACK_BYTES = 4_096
_IDLE_S = 60.0  # also the longest wait for a whole header
_BODY_S = 15.0


def application_settings(edge: Edge) -> dict[str, Any]:
    """Keyword settings of `tornado.web.Application`."""
    return {
        "default_handler_class": UnknownPath,
        "default_handler_args": {"edge": edge},
        "log_function": _say_nothing,
    }


def server_options(edge: Edge) -> dict[str, Any]:
    """Keyword options of `tornado.httpserver.HTTPServer`.

    Handlers of this edge set their own body limit; this one is for all others (files, sockets).
    """
    return {
        "max_header_size": _HEADER_BYTES,
        "max_body_size": edge.body_bytes + _SLACK_BYTES,
        "idle_connection_timeout": _IDLE_S,
        "body_timeout": _BODY_S,
        "xheaders": False,  # `caller_address` decides whom to believe
    }


def _say_nothing(handler: RequestHandler) -> None:
    """Answers are counted by the metrics; a line for each would log addresses for ever."""
