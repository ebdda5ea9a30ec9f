"""What MySQL refuses and MariaDB does not: found while the tests run on the latter."""

import re
from collections.abc import Callable
from typing import Any

import aiomysql
from sqlalchemy import event
from sqlalchemy.engine import Engine

_CHANGE = re.compile(r"\s*(?:UPDATE|DELETE FROM)\s+`?(\w+)`?(.*)", re.DOTALL | re.IGNORECASE)
_ONLY_MARIADB = re.compile(r"\b(RETURNING|EXCEPT|INTERSECT|FOR SHARE|NEXT VALUE FOR|SYSTEM VERSIONING)\b")
_KEYLESS = re.compile(r"\s*CREATE TABLE\b(?!.*\bPRIMARY KEY\b)", re.DOTALL | re.IGNORECASE)


def objection(statement: str) -> str | None:
    """Why the statement does not run on both, or None."""
    found = _ONLY_MARIADB.search(statement)
    if found:
        return f"{found.group()} is not what both have"
    if _KEYLESS.match(statement):
        return "servers with sql_require_primary_key refuse a table without a primary key, and replicas suffer from it"
    change = _CHANGE.match(statement)
    if change and re.search(rf"\b(?:FROM|JOIN)\s+`?{change.group(1)}`?\b", change.group(2), re.IGNORECASE):
        return f"it changes {change.group(1)} and looks into it in a subquery (error 1093 of MySQL)"
    return None


def insist() -> None:
    """From now on every statement of this process to such a server is looked at."""
    event.listen(Engine, "before_cursor_execute", _look_at_engine)  # migrations, backup: the synchronous driver
    for name in ("execute", "executemany"):
        setattr(aiomysql.Cursor, name, _looked_at(getattr(aiomysql.Cursor, name)))


def _looked_at(original: Callable[..., Any]) -> Callable[..., Any]:
    async def look_and_go_on(cursor: Any, statement: str | bytes, args: Any = None) -> Any:
        _look(statement if isinstance(statement, str) else bytes(statement).decode())
        return await original(cursor, statement, args)

    return look_and_go_on


def _look_at_engine(connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
    if connection.dialect.name == "mysql" and connection.dialect.driver != "aiomysql":
        _look(statement)


def _look(statement: str) -> None:
    if "alembic_version" in statement:  # Alembic asks each brand in its own way
        return
    why_not = objection(statement)
    if why_not is not None:
        raise AssertionError(f"{why_not}: {statement}")
