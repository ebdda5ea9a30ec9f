"""What MySQL refuses and MariaDB does not: found while the tests run on the latter."""

import re
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

_CHANGE = re.compile(r"\s*(?:UPDATE|DELETE FROM)\s+`?(\w+)`?(.*)", re.DOTALL | re.IGNORECASE)
_ONLY_MARIADB = re.compile(r"\b(RETURNING|EXCEPT|INTERSECT|FOR SHARE|NEXT VALUE FOR|SYSTEM VERSIONING)\b")


def objection(statement: str) -> str | None:
    """Why the statement does not run on both, or None."""
    found = _ONLY_MARIADB.search(statement)
    if found:
        return f"{found.group()} is not what both have"
    change = _CHANGE.match(statement)
    if change and re.search(rf"\b(?:FROM|JOIN)\s+`?{change.group(1)}`?\b", change.group(2), re.IGNORECASE):
        return f"it changes {change.group(1)} and looks into it in a subquery (error 1093 of MySQL)"
    return None


def insist() -> None:
    """From now on every statement of this process to such a server is looked at."""
    event.listen(Engine, "before_cursor_execute", _look)


def _look(connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
    if connection.dialect.name != "mysql" or "alembic_version" in statement:  # Alembic asks each brand in its own way
        return
    why_not = objection(statement)
    if why_not is not None:
        raise AssertionError(f"{why_not}: {statement}")
