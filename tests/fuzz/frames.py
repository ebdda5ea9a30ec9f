"""Feeds every reader of frames whatever atheris thinks of.

An optional job, because atheris exists for few Python versions: `run.py test --fuzz 60` runs it for a minute where it
is installed. The same promise is kept for ordinary days by tests/property/test_frames.py.
"""
import json
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["server.ws", "server.core.strict_json"]):
    from server.ws.frames_in import BrokenFrame, Frames, TooLarge
    from server.ws.wire.commands import BadFrame, Rpc
    from server.ws.wire.emulation import read_json, read_protobuf
    from server.ws.wire.json_codec import JsonCodec
    from server.ws.wire.msgpack_codec import MsgpackCodec
    from server.ws.wire.protobuf_codec import ProtobufCodec

MOST_COMMANDS = 192
BINARY = (ProtobufCodec(commands_per_frame=MOST_COMMANDS), MsgpackCodec(commands_per_frame=MOST_COMMANDS))
TEXT = JsonCodec(commands_per_frame=MOST_COMMANDS)


def one_input(raw: bytes) -> None:
    """Commands or a refusal, and nothing in them that JSON could not say; anything else is a finding."""
    text = raw.decode("utf-8", "surrogatepass" if len(raw) % 2 else "replace") if _is_text(raw) else ""
    for read in (lambda: TEXT.decode(text), *(lambda codec=codec: codec.decode(raw) for codec in BINARY)):
        try:
            commands = read()
        except BadFrame:
            continue
        assert 0 < len(commands) <= MOST_COMMANDS
        for command in commands:
            if isinstance(command, Rpc):
                json.dumps(command.data, allow_nan=False)
    for inflates in (False, True):
        _take_frames(raw, inflates=inflates)
    for read_request in (lambda: read_json(text), lambda: read_protobuf(raw)):
        try:
            read_request()
        except BadFrame:
            continue


def _take_frames(raw: bytes, *, inflates: bool) -> None:
    """The bytes as a socket's, in two pieces."""
    frames = Frames(most_bytes=1_024, inflates=inflates)
    try:
        for piece in (raw[: len(raw) // 3], raw[len(raw) // 3 :]):
            frames.feed(piece)
            while (found := frames.next()) is not None:
                assert len(found.payload) <= 1_024
    except (BrokenFrame, TooLarge):
        return


def _is_text(raw: bytes) -> bool:
    try:
        raw.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return False
    return True


def plant(directory: Path) -> None:
    """What clients really say, for a start: a fuzzer that knows no command finds only the first `if`."""
    from tests.contract.test_codec import SAID
    from tests.wires import WIRES

    for number, (said, _) in enumerate(SAID.values()):
        for wire in WIRES:
            message = wire.say(said)
            raw = message.encode("utf-8", "surrogatepass") if isinstance(message, str) else message
            (directory / f"{number}-{wire.codec.subprotocol}").write_bytes(raw)


def main(seconds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="peihu-fuzz-") as corpus:
        plant(Path(corpus))
        options = [f"-max_total_time={seconds}", "-max_len=4096", "-timeout=2"]
        options.append(f"-artifact_prefix={tempfile.gettempdir()}/")
        atheris.Setup([sys.argv[0], *options, corpus], one_input)
        atheris.Fuzz()


if __name__ == "__main__":
    main(int(sys.argv[1]))
