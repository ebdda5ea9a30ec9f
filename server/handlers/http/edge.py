"""What every handler is given by the composition root."""
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

from server.core.call import Actor, Call
from server.handlers.http.metrics import HttpMetrics
from server.handlers.http.use_cases import UseCases

# A service of the owner's own, known by `X-Service-Key` and never by a user's token (contract.md §7).
SERVICE: frozenset[str] = frozenset({"service"})
# Among other roles: without a token the use case is asked too, with no actor (a file's signed address).
GUEST: frozenset[str] = frozenset({"guest"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """Collaborators and bounds of the HTTP edge.

    `authenticate(token)` raises Refused `unauthorized` or `token_expired`.
    `limit(operation_name, call)` raises Refused `too_many_requests` with `retry_after_s`; it runs
    after the login and role checks and before the body is read.
    """

    authenticate: Callable[[str], Awaitable[Actor]]
    use_cases: UseCases
    metrics: HttpMetrics
    limit: Callable[[str, Call], Awaitable[None]] | None = None
    service_key: str = ""  # empty: no service may call
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    body_bytes: int = 65_536
    upload_bytes: int = 10_485_760
    upload_timeout_s: float = 120.0  # 10 MiB over a phone in a hospital basement
