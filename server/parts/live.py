"""The live channels, joined to what they may ask."""

from collections.abc import Iterable

from server.booking.orders.standing import Standings
from server.bridge.permissions import Permissions
from server.bridge.rpc import Rpc
from server.core.operation import Operation
from server.core.tasks import Tasks
from server.handlers.http.strictness import caller_address
from server.identity.authentication import Authenticator
from server.outside import open_presence
from server.parts.foundation import Foundation
from server.ws.limits import Limits
from server.ws.live import LiveChannels
from server.ws.ports import Identity

_COMMANDS_A_CALL = 4  # of a client that calls as fast as it may: subscribes, lookups, pongs beside it


def open_live_channels(
    base: Foundation, *, authenticator: Authenticator, standings: Standings, operations: Iterable[Operation]
) -> LiveChannels:
    """The channels, given what they may ask of the areas."""
    ws, trusted = base.settings.ws, base.settings.http.proxy_networks()

    async def authenticate(token: str) -> Identity:
        found = await authenticator.authenticate_socket(token)
        return Identity(found.user_id, found.user_type, found.login_id, found.expires_at)

    limits = Limits(
        frame_bytes=ws.frame_size_bytes,
        commands_per_frame=ws.commands_per_frame,
        channels_per_connection=ws.channels_per_connection,
        connections_per_user=ws.connections_per_user,
        handshakes_per_s=ws.handshakes_per_s,
        rpc_per_s=ws.rpc_per_s,
        commands_per_s=_COMMANDS_A_CALL * ws.rpc_per_s,
        queue_bytes=ws.queue_bytes,
        authenticate_within_s=ws.authenticate_within_s,
        ping_interval_s=ws.ping_interval_s,
        pong_timeout_s=ws.pong_timeout_s,
    )
    return LiveChannels(
        log=base.reader,
        bus=base.bus,
        authenticate=authenticate,
        may_follow=Permissions(database=base.database, standings=standings).may_follow,
        call=Rpc(operations),
        tasks=Tasks("ws"),
        limits=limits,
        presence=open_presence(redis=base.redis, keys=base.database.keys, ttl_s=limits.presence_ttl_s),
        allowed_origins=ws.allowed_origins,
        address_of=lambda peer, headers: caller_address(peer, headers, trusted_proxies=trusted),
        compress_from_bytes=ws.compression_min_bytes if ws.compression else None,
    )
