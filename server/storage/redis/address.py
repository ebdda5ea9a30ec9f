"""Where Redis is: one server, a watched one, or a Cluster.

    redis://[user:password@]host[:6379][/0]
    redis+sentinel://[user:password@]first[:26379],second,third/service[/0]
    redis+cluster://[user:password@]first[:6379],second,third

With `rediss` in place of `redis` the connections are encrypted. Name and password are those of Redis itself; what is
special in a URL is written with percent signs.
"""

import re
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import unquote, urlsplit

Kind = Literal["single", "sentinel", "cluster"]
_KINDS: dict[str, Kind] = {"": "single", "sentinel": "sentinel", "cluster": "cluster"}
_PORTS = {"single": 6379, "sentinel": 26379, "cluster": 6379}
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?")
_SERVICE = re.compile(r"[A-Za-z0-9._-]{1,100}")


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """`hosts` are the Sentinels or some nodes of the Cluster where there are such; `service` is the Sentinels' name."""

    kind: Kind
    is_tls: bool
    hosts: tuple[tuple[str, int], ...]
    service: str = ""
    database: int = 0
    username: str | None = None
    password: str | None = field(default=None, repr=False)


def parse_address(url: str) -> RedisAddress:
    """Raises ValueError with a reason that names nothing of the password."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError("it is no URL") from None
    protocol, _, means = parts.scheme.partition("+")
    if protocol not in ("redis", "rediss") or means not in _KINDS or not url.lower().startswith(f"{parts.scheme}://"):
        raise ValueError("it must begin with redis://, rediss://, redis+sentinel:// or redis+cluster://")
    if parts.query or parts.fragment:
        raise ValueError("nothing follows the path; in a password, write # ? / and @ as %23 %3F %2F %40")
    kind = _KINDS[means]
    credentials, _, named = parts.netloc.rpartition("@")
    username, password = _credentials(credentials)
    hosts = _hosts(named, kind)
    service, database = _path(kind, [part for part in parts.path.split("/") if part])
    return RedisAddress(
        kind=kind, is_tls=protocol == "rediss", hosts=hosts, service=service, database=database,
        username=username, password=password,
    )  # fmt: skip


def _credentials(text: str) -> tuple[str | None, str | None]:
    if not text:
        return None, None
    name, colon, password = text.partition(":")
    if not colon or not password:
        raise ValueError("before the @ stands user:password, or :password alone")
    return unquote(name) or None, unquote(password)


def _hosts(text: str, kind: Kind) -> tuple[tuple[str, int], ...]:
    found = []
    for part in text.split(","):
        match = _HOST.fullmatch(part)
        if match is None or not 0 < (port := int(match[2] or _PORTS[kind])) < 65_536:
            raise ValueError("what stands between // and / is no host, or its port no number up to 65535")
        found.append((match[1].strip("[]"), port))
    if kind == "single" and len(found) > 1:
        raise ValueError("several hosts are for redis+sentinel:// or redis+cluster://")
    return tuple(found)


def _path(kind: Kind, parts: list[str]) -> tuple[str, int]:
    """The Sentinels' service and the database's number."""
    service = ""
    if kind == "sentinel":
        if not parts or not _SERVICE.fullmatch(parts[0]):
            raise ValueError("the path begins with the name of the Sentinels' service, as in redis+sentinel://host/main/0")
        service, *parts = parts
    number = parts[0] if parts else "0"
    if len(parts) > 1 or not re.fullmatch("[0-9]{1,4}", number):
        raise ValueError("the path ends with the number of a database, as in /0")
    if kind == "cluster" and int(number):
        raise ValueError("a Cluster has database 0 alone")
    return service, int(number)
