"""Administrators read the rules and make new editions."""

import json
from collections.abc import Callable
from typing import Any

from server.core.call import Call
from server.core.clock import server_now, shanghai_text
from server.core.cursor import Pages
from server.core.errors import Refused, invalid
from server.core.facts import Facts
from server.rulebook import store
from server.rulebook.book import Rulebook
from server.rulebook.commands import ChangeSettings, ListEditions, ReadSettings
from server.rulebook.facts import RulesChanged
from server.storage.audit import write_audit
from server.storage.sql import Database
from server.storage.transaction import Transaction
from server.storage.unit_of_work import UnitOfWork

_PAGES = Pages("editions", number=int)
Document = dict[str, Any]
Merge = Callable[[Document, ChangeSettings], Document]  # raises Refused about a field
Show = Callable[[Document], dict[str, Any]]


class Rules:
    """`merge` puts what was given into a document and checks the whole; `show` is how people see one."""

    def __init__(
        self,
        *,
        database: Database,
        units: UnitOfWork,
        facts: Facts,
        book: Rulebook,
        merge: Merge,
        show: Show,
    ) -> None:
        self._database = database
        self._units = units
        self._facts = facts
        self._book = book
        self._merge = merge
        self._show = show

    async def read_settings(self, call: Call, query: ReadSettings) -> dict[str, Any]:
        """The newest edition or the one asked for. Raises Refused `not_found`."""
        async with self._database.read() as tx:
            return await self._shown(tx, query.version)

    async def _shown(self, tx: Transaction, number: int | None) -> dict[str, Any]:
        newest = await store.newest_number(tx) or self._book.number
        row = await store.edition(tx, newest if number is None else number)
        if row is None and number not in (None, newest):
            raise Refused("not_found")
        head = _head(row) if row is not None else _HEAD_OF_FIRST
        document = self._book.first if row is None else json.loads(row["document"])
        return head | {"is_newest": head["version"] == newest} | self._show(document)

    async def change_settings(self, call: Call, command: ChangeSettings) -> dict[str, Any]:
        """A new edition with what was given, or with `preview` how it would look; the whole as it is read.

        Raises Refused: `invalid` (a number or text that cannot be, nothing given), `wrong_state` (not the newest
        edition was changed).
        """
        answer = await self._units.run(call, lambda tx: self._change(tx, call, command))
        await self._book.refresh()  # the others hear it by the bus
        return answer

    async def _change(self, tx: Transaction, call: Call, command: ChangeSettings) -> dict[str, Any]:
        await self._book.keep_first(tx)
        newest = await store.newest_number(tx)
        assert newest is not None
        if command.version != newest:
            raise _stale(newest)
        row = await store.edition(tx, newest)
        assert row is not None
        before = json.loads(row["document"])
        after = self._merge(before, command)
        changes = differences(before, after)
        if not changes:
            raise invalid("body", "没有任何变更")
        if command.preview:
            return _head(row) | {"is_newest": True} | self._show(after)
        await self._keep(tx, call, command, newest + 1, after, changes)
        return await self._shown(tx, newest + 1)

    async def _keep(
        self,
        tx: Transaction,
        call: Call,
        command: ChangeSettings,
        number: int,
        document: Document,
        changes: dict[str, tuple[Any, Any]],
    ) -> None:
        chapters = sorted({path.split(".")[0] for path in changes})
        how = {"reason": command.reason, "by": call.user.user_id, "at": server_now()}
        if not await store.add_edition(tx, number, document, changed=chapters, **how):
            raise _stale(number)
        detail = {
            "before": {path: old for path, (old, _) in changes.items()},
            "after": {path: new for path, (_, new) in changes.items()},
        }
        await write_audit(
            tx, call, action="admin.settings", target=f"settings:{number}", reason=command.reason, detail=detail
        )
        await self._facts.record(tx, RulesChanged(number))

    async def list_editions(self, call: Call, query: ListEditions) -> dict[str, Any]:
        """{"items", "next_cursor"}, the newest first. Raises Refused `invalid`."""
        (before,) = _PAGES.after(query.cursor) or (None,)
        async with self._database.read() as tx:
            rows = await store.editions_before(tx, before, limit=query.limit + 1)
        shown, cursor = _PAGES.cut(rows, query.limit)
        return {"items": [_head(row) for row in shown], "next_cursor": cursor}


_HEAD_OF_FIRST: dict[str, Any] = {
    "version": 1,
    "changed": [],
    "reason": None,
    "made_by": None,
    "made_by_name": None,
    "made_at": None,
}


def _head(row: Any) -> dict[str, Any]:
    return {
        "version": row["number"],
        "changed": json.loads(row["changed"]),
        "reason": row["reason"],
        "made_by": row["made_by"],
        "made_by_name": row["made_by_name"],
        "made_at": shanghai_text(row["made_at"]),
    }


def _stale(newest: int) -> Refused:
    return Refused("wrong_state", "设置已被他人修改，请刷新后再试", data={"version": newest})


def differences(before: Any, after: Any, path: str = "") -> dict[str, tuple[Any, Any]]:
    """{dotted path: (before, after)} of every leaf that differs; lists are leaves."""
    if isinstance(before, dict) and isinstance(after, dict):
        found: dict[str, tuple[Any, Any]] = {}
        for name in sorted(before.keys() | after.keys()):
            found |= differences(before.get(name), after.get(name), f"{path}.{name}".lstrip("."))
        return found
    return {} if before == after else {path: (before, after)}
