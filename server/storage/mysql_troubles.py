"""What is wrong with a MySQL server, in words for an operator."""

import re
import ssl

from sqlalchemy import text
from sqlalchemy.engine import URL, Connection

_REFUSED, _NO_SUCH_DATABASE, _NO_RIGHTS = {1045, 1698, 1251, 2059}, {1049}, {1044, 1142, 1143, 1227}
_NOT_REACHED, _TLS = {2002, 2003, 2005, 2013}, {2026, 3159}
_TOO_MANY = {1040, 1203, 1226}
# SKIP LOCKED came with these.
_OLDEST = {"MySQL": (8, 0), "MariaDB": (10, 6)}


class ServerTooOld(ValueError):
    """The server lacks what we rely on; the text ends a sentence that begins with its place."""


def require_known_server(connection: Connection) -> None:
    """Raises ServerTooOld."""
    version = str(connection.execute(text("SELECT VERSION()")).scalar())
    brand = "MariaDB" if "mariadb" in version.lower() else "MySQL"
    found = re.search(r"(\d+)\.(\d+)", version)
    if found is not None and tuple(map(int, found.groups())) < _OLDEST[brand]:
        major, minor = _OLDEST[brand]
        raise ServerTooOld(f"is {brand} {found.group()}; Peihu needs {brand} {major}.{minor} or newer")
    connection.rollback()


def what_is_wrong(problem: Exception, url: URL) -> str:
    """The end of a sentence that begins "the database …"; never with the password in it."""
    if isinstance(problem, ServerTooOld):
        return str(problem)
    original = getattr(problem, "orig", problem)
    number = original.args[0] if original.args and isinstance(original.args[0], int) else None
    reason = _reason(original, url)
    if isinstance(original, UnicodeError):
        return "cannot be used: its user name or password has characters that the server's login does not take"
    if number in _REFUSED:
        return f"refuses the login of {url.username!r}: wrong user name or password ({reason})"
    if number in _NO_SUCH_DATABASE:
        return f"is not there: make it with CREATE DATABASE {url.database} CHARACTER SET utf8mb4"
    if number in _NO_RIGHTS:
        return f"is closed to {url.username!r}: grant it all rights on {url.database!r} ({reason})"
    if number in _TLS or isinstance(getattr(original, "original_exception", original), ssl.SSLError):
        return f"cannot be reached over TLS as database.tls_ca_file wants it ({reason})"
    if number in _NOT_REACHED:
        return f"cannot be reached at {url.host}:{url.port or 3306} ({reason})"
    if number in _TOO_MANY:
        return f"has no connection left for us ({reason})"
    return f"cannot be used ({reason})"


def _reason(original: BaseException, url: URL) -> str:
    words = str(original.args[1]) if len(original.args) > 1 else str(original)
    if url.password:
        words = words.replace(str(url.password), "***")
    return " ".join(words.split())
