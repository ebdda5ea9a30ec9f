"""Every bound of the live channels, with the reason for it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Safe defaults; the composition root replaces those that settings name."""

    frame_bytes: int = 65_536  # what a phone may send at once; beyond it 1009
    # An official client's first frame is connect and one subscribe a channel (protocol.md §4.3): a bound of 64
    # would cut off whoever follows more. The rest is room for calls queued meanwhile.
    commands_per_frame: int = 192
    channels_per_connection: int = 128  # nobody has as many orders at once; beyond it error 106
    connections_per_user: int = 32  # a person's tabs and phones, many times over; beyond it 3504
    waiting_connections: int = 1_000  # sockets that have not said who they are
    handshakes_per_s: float = 500.0  # a herd must not starve the sockets that live
    handshake_waits_s: float = 8.0  # for its turn in a herd; official clients wait 10 s or more; beyond it 429
    rpc_per_s: float = 50.0  # fast typing is 10 a second
    commands_per_s: float = 200.0  # of all kinds, a connection; four times its calls; beyond it 3013
    calls_in_flight: int = 16  # waiting or running a connection; beyond it 111
    queue_bytes: int = 1_048_576  # a slower reader is closed with 3008
    emulated_waiting_bytes: int = 131_072  # two full frames behind a slow command; beyond it 429
    emulations_asked: int = 256  # questions to other instances at once, also for nodes that never were
    emulation_answer_s: float = 2.0  # below the 5 s after which clients give a command up
    errors_in_a_row: int = 20  # a client that only sends nonsense is closed
    authenticate_within_s: float = 5.0
    answer_within_s: float = 4.0  # official clients give up a subscribe after 5 s and drop the connection
    call_within_s: float = 10.0  # rpc; its caller has long given up by then
    ping_interval_s: int = 25  # below the 60 s after which home routers forget
    pong_timeout_s: float = 8.0
    expiry_grace_s: float = 25.0  # the client refreshes when its ttl has run out, not before
    presence_lingers_s: float = 3.0  # official clients are back after 0.1 to 2.5 s, with one failed attempt
    presence_ttl_s: float = 60.0  # a crashed instance's people are told as gone after this
    recovery_entries: int = 1_000
    recovery_bytes: int = 1_048_576
    history_entries: int = 300
    message_bytes: int = 262_144  # an event on the bus that is larger was not made by us
    position_check_s: float = 8.0  # a lost bus message is noticed within 10 s
    unfollow_after_s: float = 5.0  # a phone that changes networks is back before that
