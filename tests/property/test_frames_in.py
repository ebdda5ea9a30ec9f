"""Any frames in any pieces: what Tornado's own reader makes of them, ours makes of them too."""

import asyncio
import socket
import zlib
from types import SimpleNamespace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tornado.iostream import IOStream
from tornado.websocket import WebSocketProtocol13

from server.ws.frames_in import CLOSE, BrokenFrame, Frame, Frames, TooLarge
from tests.unit.ws.raw_frames import BINARY, CONTINUATION, PING, PONG, TEXT, frame

MOST_BYTES = 300
MANY = settings(max_examples=300, deadline=None)
GOODBYE = b"\x0f\xa0"  # a close frame of 4000
WAITS_S = 5

PAYLOADS = st.binary(max_size=140) | st.text(max_size=60).map(str.encode) | st.just(b"x" * (MOST_BYTES + 1))
CONTROLS = st.builds(frame, st.sampled_from([PING, PONG]), st.binary(max_size=126), is_masked=st.booleans())
SINGLE = st.builds(frame, st.sampled_from([TEXT, BINARY]), PAYLOADS, is_masked=st.booleans())
KNOWN = [CONTINUATION, TEXT, BINARY, PING, PONG]
BENT = {"reserved": st.sampled_from([0, 0, 0, 1, 2, 4]), "length": st.none() | st.just(b"\x7e\x00\x03")}
NONSENSE = st.builds(frame, st.sampled_from(KNOWN), st.binary(max_size=8), is_last=st.booleans(), **BENT) | st.builds(
    # Tornado looks at an unknown opcode only when its last part has come; we do at once.
    frame, st.integers(0, 15).filter(lambda opcode: opcode not in (*KNOWN, CLOSE)), st.binary(max_size=8), **BENT
)  # fmt: skip


@st.composite
def in_parts(draw):
    """One message in several frames, with control frames between them."""
    parts = draw(st.lists(st.binary(max_size=120), min_size=2, max_size=4))
    frames = []
    for number, part in enumerate(parts):
        opcode = CONTINUATION if number else draw(st.sampled_from([TEXT, BINARY]))
        frames.append(frame(opcode, part, is_last=number == len(parts) - 1))
        frames += draw(st.lists(CONTROLS, max_size=1))
    return b"".join(frames)


WELL_FORMED = st.lists(CONTROLS | SINGLE | in_parts(), max_size=6).map(b"".join)
ANYTHING = st.lists(CONTROLS | SINGLE | in_parts() | NONSENSE, max_size=6).map(b"".join)


def pieces(data, raw):
    """The bytes cut wherever hypothesis likes, also inside heads and masks."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=8)))
    return [raw[start:end] for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True)]


def ours(chunks):
    """The frames of all chunks, and how it ended: None, or the refusal's type."""
    frames, heard = Frames(most_bytes=MOST_BYTES, inflates=False), []
    try:
        for chunk in chunks:
            frames.feed(chunk)
            while (found := frames.next()) is not None:
                heard.append(tuple(found))
    except (BrokenFrame, TooLarge) as refusal:
        return heard, type(refusal)
    return heard, None


class Heard:
    """Tornado's handler: keeps what it is told."""

    def __init__(self):
        self.frames = []

    def on_message(self, message):
        self.frames.append((TEXT if isinstance(message, str) else BINARY, message))

    def on_ping(self, data):
        self.frames.append((PING, data))

    def on_pong(self, data):
        self.frames.append((PONG, data))

    def on_ws_connection_close(self, *_told):
        """The end is seen in what it sent."""


async def tornados(raw):
    """The same of Tornado's reader, over a real pair of sockets; BrokenFrame also where it never got to a goodbye."""
    near, far = socket.socketpair()
    stream, handler = IOStream(near), Heard()
    params = SimpleNamespace(compression_options=None, max_message_size=MOST_BYTES, ping_interval=None)
    protocol = WebSocketProtocol13(handler, False, params)
    protocol.stream = stream
    protocol._run_callback = lambda callback, *told: callback(*told)
    far.sendall(raw)
    far.shutdown(socket.SHUT_WR)
    await asyncio.wait_for(protocol._receive_frame_loop(), WAITS_S)
    far.settimeout(WAITS_S)
    said = b""
    try:
        while more := far.recv(65_536):
            said += more
    except ConnectionResetError:
        pass
    far.close()
    if said.endswith(b"\x88\x02" + GOODBYE):
        return [*handler.frames, (CLOSE, GOODBYE)], None
    return handler.frames, TooLarge if b"\x03\xf1message too big" in said else BrokenFrame


@MANY
@given(data=st.data(), raw=WELL_FORMED)
def test_any_pieces_of_well_formed_frames_give_the_same_messages(data, raw):
    assert ours(pieces(data, raw)) == ours([raw])


@MANY
@given(data=st.data(), raw=ANYTHING | st.binary(max_size=60))
def test_any_pieces_of_anything_end_alike(data, raw):
    assert ours(pieces(data, raw)) == ours([raw])


@MANY
@given(raw=ANYTHING)
@example(raw=frame(TEXT, b"x" * 200, is_last=False) + frame(CONTINUATION, b"x" * 101))
@example(raw=frame(BINARY, b"x" * MOST_BYTES))
@example(raw=frame(TEXT, b"\xed\xa0\x80"))
@example(raw=frame(PING, b"x", is_last=False))
@example(raw=frame(BINARY, b"", length=b"\x7f\x80" + b"\0" * 7))
@example(raw=frame(TEXT, b"a", is_last=False) + b"\x88\x01\x02" + frame(PING, b"x"))
def test_ours_hears_and_refuses_what_tornados_does(raw):
    raw += frame(CLOSE, GOODBYE)
    heard, refusal = up_to_the_close(*ours([raw]))
    with asyncio.Runner() as runner:
        its_heard, its_refusal = runner.run(tornados(raw))
    assert heard == its_heard
    # What is both too large and out of place is one to us and the other to Tornado.
    assert refusal is its_refusal or {refusal, its_refusal} == {BrokenFrame, TooLarge}


def up_to_the_close(heard, refusal):
    """Nothing is heard after a close, and one that is not the last word of all counts as a broken frame here."""
    at = next((at for at, (opcode, _) in enumerate(heard) if opcode == CLOSE), None)
    if at is not None and heard[at] == (CLOSE, GOODBYE):
        return heard[: at + 1], None
    return heard[:at], refusal if at is None and refusal is not None else BrokenFrame


def deflated(message):
    compressor = zlib.compressobj(wbits=-15)
    return (compressor.compress(message) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


@MANY
@given(message=st.text(max_size=100), cut=st.integers(0, 20), data=st.data())
def test_compressed_messages_are_inflated_whole_or_in_parts(message, cut, data):
    small = deflated(message.encode())
    raw = frame(TEXT, small[:cut], is_last=False, reserved=4) + frame(PING, b"!") + frame(CONTINUATION, small[cut:])
    frames, heard = Frames(most_bytes=MOST_BYTES, inflates=True), []
    for chunk in pieces(data, raw + frame(TEXT, b"plain")):
        frames.feed(chunk)
        while (found := frames.next()) is not None:
            heard.append(found)
    assert heard == [Frame(PING, b"!"), Frame(TEXT, message), Frame(TEXT, "plain")]


@pytest.mark.parametrize(
    ("message", "fits"),
    [(b"x" * MOST_BYTES, True), (b"x" * (MOST_BYTES + 1), False), (bytes(20_000_000), False)],
    ids=["just", "a byte more", "a bomb"],
)
def test_what_inflates_beyond_the_bound_is_refused(message, fits):
    frames = Frames(most_bytes=MOST_BYTES, inflates=True)
    frames.feed(frame(BINARY, deflated(message)[:MOST_BYTES], reserved=4))
    if fits:
        assert frames.next() == Frame(BINARY, message)
    else:
        with pytest.raises(TooLarge):
            frames.next()


@pytest.mark.parametrize("raw", [
    frame(PING, b"", reserved=4), frame(TEXT, b"", reserved=2), frame(TEXT, b"\xff\xff\xff", reserved=4),
    frame(TEXT, deflated(b"a"), is_last=False, reserved=4) + frame(CONTINUATION, b"", reserved=4),
])  # fmt: skip
def test_compression_is_said_once_by_a_message_and_never_by_a_control_frame(raw):
    frames = Frames(most_bytes=MOST_BYTES, inflates=True)
    frames.feed(raw)
    with pytest.raises(BrokenFrame):
        frames.next()


def test_between_frames_nothing_is_kept():
    frames = Frames(most_bytes=MOST_BYTES, inflates=False)
    frames.feed(frame(TEXT, b"a", is_last=False) + frame(CONTINUATION, b"b") + frame(PING))
    assert [frames.next(), frames.next(), frames.next()] == [Frame(TEXT, "ab"), Frame(PING, b""), None]
    assert frames._data == b"" and frames._at == 0 and frames._parts is None
