"""A network of its own with one cable to ours, which a test may pull."""

import asyncio
import shutil
import subprocess
import sys
import uuid

from tests.services.demand import leave_out

# Speaks the protocol from the other end: opens what the lines on its standard input say, and never closes anything.
_PEER = r"""
import socket, sys
HANDSHAKE = (b"GET /connection/websocket HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
kept = []
for line in sys.stdin:
    host, port, command = line.rstrip("\n").split(" ", 2)
    peer = socket.create_connection((host, int(port)))
    peer.sendall(HANDSHAKE)
    head = peer.recv(65536)
    said = command.encode().replace(b"|", b"\n")
    peer.sendall(bytes((0x81, 0xfe)) + len(said).to_bytes(2, "big") + bytes(4) + said)
    kept.append(peer)
    print(head.split()[1].decode(), flush=True)
"""


def _ip(*words):
    return subprocess.run(["ip", *words], capture_output=True, text=True, check=False, timeout=10)


class Cable:
    """Use as `async with`; leaves the test out where namespaces cannot be made."""

    async def __aenter__(self):
        number = uuid.uuid4().int
        self._name = f"peihu-{number % 10**8}"
        self._plug = f"ph{number % 10**8}"
        net, at = f"10.231.{number % 256}", number // 256 % 64 * 4  # so that tests side by side do not meet
        self.ours, self._theirs = f"{net}.{at + 1}", f"{net}.{at + 2}"
        if shutil.which("ip") is None:
            _cannot("the program `ip` is missing (apt install iproute2)")
        made = _ip("netns", "add", self._name)
        if made.returncode != 0:
            _cannot(f"network namespaces cannot be made here (root is needed): {made.stderr.strip()}")
        try:
            self._lay()
            self._peer = await asyncio.create_subprocess_exec(
                "ip", "netns", "exec", self._name, sys.executable, "-c", _PEER,
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            )  # fmt: skip
        except BaseException:
            _ip("netns", "del", self._name)
            raise
        return self

    def _lay(self):
        far = f"{self._plug}p"
        for words in (
            ("link", "add", self._plug, "type", "veth", "peer", "name", far, "netns", self._name),
            ("addr", "add", f"{self.ours}/30", "dev", self._plug),
            ("link", "set", self._plug, "up"),
            ("-n", self._name, "addr", "add", f"{self._theirs}/30", "dev", far),
            ("-n", self._name, "link", "set", far, "up"),
        ):
            done = _ip(*words)
            if done.returncode != 0:
                _cannot(f"`ip {' '.join(words)}` failed: {done.stderr.strip()}")

    async def open(self, port, *commands):
        """A socket at the other end that says these lines of JSON in its first message."""
        self._peer.stdin.write(f"{self.ours} {port} {'|'.join(commands)}\n".encode())
        assert (await asyncio.wait_for(self._peer.stdout.readline(), 10)).strip() == b"101"

    def pull(self):
        """From now on nothing comes from the other end, and nobody near could say so, as with a phone in a lift."""
        assert _ip("-n", self._name, "route", "add", "blackhole", f"{self.ours}/32").returncode == 0

    async def __aexit__(self, *_):
        self._peer.kill()
        await self._peer.communicate()
        _ip("netns", "del", self._name)
        _ip("link", "del", self._plug)


def _cannot(reason):
    leave_out(f"no peer can be cut off: {reason}")
