"""Reads the URL of a MongoDB, or says what is wrong with it."""

from dataclasses import dataclass

from pymongo.errors import ConfigurationError, InvalidURI
from pymongo.uri_parser import parse_uri

EXPECTED = "mongodb://user:password@host:27017/database"
# How to find the server and to log in; deadlines, write concern and TLS are settings of ours.
_OPTIONS = {"authsource", "authmechanism", "directconnection", "replicaset"}


class BadAddress(ValueError):
    """What is wrong, as the end of a sentence; never with the password in it."""


@dataclass(frozen=True, slots=True)
class MongoAddress:
    """`url` has a password in it, perhaps; `place` has none."""

    url: str
    database: str
    place: str


def read_address(url: str) -> MongoAddress:
    """Raises BadAddress."""
    if not url.startswith("mongodb://"):
        raise BadAddress(f"is not a URL of MongoDB; expected {EXPECTED}, all hosts of a replica set with commas")
    try:
        parts = parse_uri(url, validate=True, warn=False)
    except (InvalidURI, ConfigurationError, ValueError, UnicodeError) as problem:
        raise BadAddress(f"is not a URL of MongoDB ({_reason(problem, url)}); expected {EXPECTED}") from None
    if not parts["database"] or parts["collection"]:
        raise BadAddress(f"has no name of a database; expected {EXPECTED}")
    foreign = sorted(name for name in parts["options"] if name.lower() not in _OPTIONS)
    if foreign:
        raise BadAddress(f"leave out ?{'&'.join(foreign)}; TLS and deadlines are settings of mongo.*")
    hosts = ",".join(f"{host}:{port}" if port else host for host, port in parts["nodelist"])
    return MongoAddress(url, parts["database"], f"mongodb://{hosts}/{parts['database']}")


def _reason(problem: Exception, url: str) -> str:
    """The driver repeats what it could not read, which may be a part of the password."""
    return "special characters of a password are written as %40 and the like" if "@" in url else str(problem)
