"""One open transaction, as use cases and stores see it.

What must happen once the change is visible is registered with `after_commit`; what is cheaper written once
for many is gathered until right before the commit. Both are dropped with a savepoint or a transaction that
is rolled back.
"""

from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any

from sqlalchemy.engine import RowMapping
from sqlalchemy.sql import Executable

from server.storage.sealed import FieldKeys

Row = RowMapping  # what reads return: values by column name; areas say `Row` and need no SQLAlchemy for it

Values = dict[str, Any]
Write = Callable[["Transaction", list[Any]], Awaitable[None]]


class Together:
    """What the transactions that share one commit have gathered, and what they know under its locks.

    SQLite commits several transactions as one; elsewhere each has one of these for itself.
    """

    __slots__ = ("_gathered", "_known", "_before")

    def __init__(self) -> None:
        self._gathered: list[tuple[Write, Any]] = []
        self._known: dict[Any, Any] = {}
        self._before: list[tuple[Any, Any]] = []  # what was known in the place of each thing learned

    def gather(self, write: Write, item: Any) -> None:
        self._gathered.append((write, item))

    def known(self, key: Any) -> Any:
        return self._known.get(key)

    def learn(self, key: Any, value: Any) -> None:
        self._before.append((key, self._known.get(key)))
        self._known[key] = value

    def mark(self) -> tuple[int, int]:
        """A place to which `undo` goes back."""
        return len(self._gathered), len(self._before)

    def undo(self, mark: tuple[int, int]) -> None:
        gathered, learned = mark
        del self._gathered[gathered:]
        while len(self._before) > learned:
            key, value = self._before.pop()
            self._known[key] = value

    async def write(self, tx: "Transaction") -> None:
        """Write what was gathered; what that gathers in turn, too."""
        while self._gathered:
            items: dict[Write, list[Any]] = {}
            for write, item in self._gathered:
                items.setdefault(write, []).append(item)
            self._gathered.clear()
            for write, of_it in items.items():
                await write(tx, of_it)


class Transaction:
    """Thin words around a connection (`AsyncConnection` or what looks like one); made by `Database` only."""

    __slots__ = ("_connection", "_together", "_after_commit", "has_rivals", "keys")

    def __init__(
        self, connection: Any, keys: FieldKeys, *, together: Together | None = None, has_rivals: bool = False
    ) -> None:
        self._connection = connection
        self._together = together or Together()
        self._after_commit: list[Callable[[], None]] = []
        self.has_rivals = has_rivals  # others write at the same time: what must not change meanwhile has to be locked
        self.keys = keys

    async def run(self, statement: Executable, values: Values | list[Values] | None = None) -> int:
        """Execute a change and tell how many rows it touched; `values` as a list: one execution for each.

        Statements of hot paths are built once, with `bindparam`, and get their values here. A statement that a
        unique key refuses (IntegrityError) undoes itself and nothing else: alone it needs no savepoint.
        """
        if values == []:
            return 0
        result = await self._connection.execute(statement, values)
        return result.rowcount

    async def insert_numbered(self, statement: Executable, values: Values | None = None) -> int:
        """Execute one INSERT and return the number the database gave the row."""
        result = await self._connection.execute(statement, values)
        return result.inserted_primary_key[0]

    async def one(self, statement: Executable, values: Values | None = None) -> RowMapping | None:
        """The first row, or None."""
        return (await self._connection.execute(statement, values)).mappings().first()

    async def all(self, statement: Executable, values: Values | None = None) -> list[RowMapping]:
        return list((await self._connection.execute(statement, values)).mappings())

    async def value(self, statement: Executable, values: Values | None = None) -> Any:
        """The first column of the first row, or None."""
        return (await self._connection.execute(statement, values)).scalar()

    def gather(self, write: Write, item: Any) -> None:
        """`await write(tx, items)` runs once, right before the commit, with all items gathered for it.

        The items may come from other transactions that share the commit. Statements of this transaction do
        not see yet what is gathered; whoever needs to keeps it with `learn`.
        """
        self._together.gather(write, item)

    def known(self, key: Any) -> Any:
        """What was learned under this key by a transaction that shares the commit, or None."""
        return self._together.known(key)

    def learn(self, key: Any, value: Any) -> None:
        """Keep until the commit what cannot change before it, because its row is locked or new."""
        self._together.learn(key, value)

    def after_commit(self, act: Callable[[], None]) -> None:
        """`act()` runs once, in order, right after the commit; it must not block and not raise."""
        self._after_commit.append(act)

    def savepoint(self) -> "Savepoint":
        """Everything inside is undone when it raises, the rest of the transaction stands."""
        return Savepoint(self)

    async def write_gathered(self) -> None:
        """Called by `Database` alone, right before it commits."""
        await self._together.write(self)

    def committed(self) -> None:
        """Run what waited for the commit; called by `Database` alone."""
        for act in self._after_commit:
            act()


class Savepoint:
    """`async with`; a generator for it would cost as much as the database's own part."""

    __slots__ = ("_tx", "_inner", "_mark", "_registered")

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._inner = tx._connection.begin_nested()
        self._mark = tx._together.mark()
        self._registered = len(tx._after_commit)

    async def __aenter__(self) -> None:
        await self._inner.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._inner.__aexit__(kind, error, trace)
        except BaseException:
            self._forget()
            raise
        if error is not None:
            self._forget()

    def _forget(self) -> None:
        del self._tx._after_commit[self._registered :]
        self._tx._together.undo(self._mark)
