"""Lets the kernel notice a peer that is gone."""

import socket

# Together a peer that vanished is noticed within 22 s where no proxy stands between: with the time for which
# presence lingers it is offline within the 25 s of reliability.md P6.
_KEEPALIVE = ((socket.TCP_KEEPIDLE, 10), (socket.TCP_KEEPINTVL, 4), (socket.TCP_KEEPCNT, 3))
_USER_TIMEOUT_MS = 20_000


def notice_dead_peers(peer: socket.socket) -> None:
    """Probe an idle peer, and give up on one that acknowledges nothing."""
    if peer.family not in (socket.AF_INET, socket.AF_INET6):
        return
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _KEEPALIVE:
        peer.setsockopt(socket.IPPROTO_TCP, option, value)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _USER_TIMEOUT_MS)
