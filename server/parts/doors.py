"""The doors to the house: what this process answers over HTTP."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from server.billing.notifications import PaymentNotifications
from server.core.tasks import Tasks
from server.handlers.elsewhere import CHANNELS, EVERYTHING, elsewhere_routes
from server.handlers.http.edge import Edge
from server.handlers.http.metrics import HttpMetrics
from server.handlers.http.use_cases import UseCases
from server.handlers.notify import notify_routes
from server.handlers.pages.docs_page import docs_routes
from server.handlers.pages.static import page_routes
from server.handlers.reports import report_routes
from server.handlers.routes import Declared, operation_routes
from server.parts.foundation import Foundation
from server.parts.people import IdentityPart, PushPart
from server.ws.fallback.handlers import fallback_routes
from server.ws.handler import WebSocketHandler
from server.ws.live import LiveChannels

_WEB = Path(__file__).resolve().parent.parent.parent / "web"


def open_edge(base: Foundation, *, identity: IdentityPart, tasks: Tasks, metrics: HttpMetrics) -> Edge:
    """What every handler is given."""
    settings = base.settings
    return Edge(
        authenticate=identity.authenticator.authenticate,
        use_cases=UseCases(tasks=tasks, deadline_s=settings.http.request_timeout_s),
        metrics=metrics,
        limit=identity.limits.limit,
        service_key=settings.service_key,
        trusted_proxies=settings.http.proxy_networks(),
        body_bytes=settings.http.body_bytes,
        upload_bytes=settings.http.upload_bytes,
    )


def channel_routes(edge: Edge, *, live: LiveChannels, are_served: bool) -> list[Any]:
    """The live channels, or that they are elsewhere (`serve --roles`)."""
    if not are_served:
        return [*elsewhere_routes(CHANNELS, edge)]
    return [(r"/connection/websocket", WebSocketHandler, {"live": live}), *fallback_routes(live)]


def api_routes(
    edge: Edge,
    *,
    operations: Iterable[Declared],
    sandbox_operations: Iterable[Declared],
    notifications: PaymentNotifications,
    push: PushPart,
    document: Callable[[], Any],
    are_served: bool,
) -> list[Any]:
    """REST, the doors of payment providers and carriers, the pages; or that they are elsewhere; to stand last."""
    if not are_served:
        return [*elsewhere_routes(EVERYTHING, edge)]
    return [
        *operation_routes((one for one in operations if getattr(one, "rest", True)), edge),
        *operation_routes(sandbox_operations, edge, loopback_only=True),
        *notify_routes(notifications, edge),
        *report_routes(
            push.reports, edge, letterbox=push.carriers.letterbox, sms_report_key=push.carriers.sms_report_key
        ),
        *docs_routes(edge, document),
        *page_routes(_WEB, edge),
    ]
