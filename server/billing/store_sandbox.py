"""The sandbox provider's book in the SQL database."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.exc import IntegrityError

from server.payment.sandbox_book import Letter, RefundOrder, Trade
from server.storage.sql import Database
from server.storage.tables.billing import sandbox_letter, sandbox_refund, sandbox_trade
from server.storage.transaction import Transaction

_AT_ONCE = 50
_POST = insert(sandbox_letter)


class SqlSandboxBook:
    """Implements `payment.sandbox_book.SandboxBook`."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def add_trade(self, trade: Trade) -> Trade:
        async def body(tx: Transaction) -> Trade:
            known = await _trade(tx, trade.out_trade_no)
            if known is None:
                try:
                    async with tx.savepoint():
                        await tx.run(insert(sandbox_trade).values(**asdict(trade)))
                    return trade
                except IntegrityError:  # another instance was asked at the same moment
                    known = await _trade(tx, trade.out_trade_no)
            assert known is not None
            return known

        return await self._database.write(body)

    async def trade(self, out_trade_no: str) -> Trade | None:
        async with self._database.read() as tx:
            return await _trade(tx, out_trade_no)

    async def move_trade(
        self, trade: Trade, to_state: str, *, from_states: tuple[str, ...], at: datetime, letters: list[Letter]
    ) -> bool:
        columns = sandbox_trade.c
        values: dict[str, Any] = {"state": to_state, "approve_at": None}
        if to_state == "SUCCESS":
            values["success_at"] = at
        move = update(sandbox_trade).where(
            columns.out_trade_no == trade.out_trade_no, columns.state.in_(from_states)
        )

        async def body(tx: Transaction) -> bool:
            if await tx.run(move.values(**values)) != 1:
                return False
            await _post(tx, letters)
            return True

        return await self._database.write(body)

    async def add_refund(self, refund: RefundOrder) -> RefundOrder | None:
        columns = sandbox_trade.c
        take = (
            update(sandbox_trade)
            .where(
                columns.out_trade_no == refund.out_trade_no,
                columns.state.in_(("SUCCESS", "REFUND")),
                columns.refunded_fen + refund.amount_fen <= columns.amount_fen,
            )
            .values(refunded_fen=columns.refunded_fen + refund.amount_fen, state="REFUND")
        )

        async def body(tx: Transaction) -> RefundOrder | None:
            known = await _refund(tx, refund.out_refund_no)
            if known is not None:
                return known
            try:
                async with tx.savepoint():
                    if await tx.run(take) != 1:
                        return None
                    await tx.run(insert(sandbox_refund).values(**asdict(refund)))
                return refund
            except IntegrityError:
                return await _refund(tx, refund.out_refund_no)

        return await self._database.write(body)

    async def refund(self, out_refund_no: str) -> RefundOrder | None:
        async with self._database.read() as tx:
            return await _refund(tx, out_refund_no)

    async def settle_refund(self, refund: RefundOrder, *, at: datetime, letters: list[Letter]) -> bool:
        columns = sandbox_refund.c
        settle = update(sandbox_refund).where(
            columns.out_refund_no == refund.out_refund_no, columns.state == "PROCESSING"
        )

        async def body(tx: Transaction) -> bool:
            if await tx.run(settle.values(state="SUCCESS", success_at=at)) != 1:
                return False
            await _post(tx, letters)
            return True

        return await self._database.write(body)

    async def post(self, letters: list[Letter]) -> None:
        await self._database.write(lambda tx: _post(tx, letters))

    async def trades_to_approve(self, now: datetime) -> list[Trade]:
        columns = sandbox_trade.c
        due = select(sandbox_trade).where(columns.state == "NOTPAY", columns.approve_at <= now).limit(_AT_ONCE)
        async with self._database.read() as tx:
            return [Trade(**row) for row in await tx.all(due)]

    async def refunds_to_settle(self, now: datetime) -> list[RefundOrder]:
        columns = sandbox_refund.c
        due = select(sandbox_refund).where(columns.state == "PROCESSING", columns.settle_at <= now).limit(_AT_ONCE)
        async with self._database.read() as tx:
            return [RefundOrder(**row) for row in await tx.all(due)]

    async def claim_letters(self, now: datetime, *, until: datetime) -> list[Letter]:
        columns = sandbox_letter.c
        due = select(sandbox_letter).where(columns.due_at <= now).order_by(columns.due_at).limit(_AT_ONCE)
        async with self._database.read() as tx:
            rows = await tx.all(due)
        if not rows:
            return []

        async def body(tx: Transaction) -> list[Letter]:
            mine = []
            for row in rows:
                same = update(sandbox_letter).where(
                    columns.letter_id == row["letter_id"], columns.due_at == row["due_at"]
                )
                if await tx.run(same.values(due_at=until)) == 1:
                    mine.append(_letter(row))
            return mine

        return await self._database.write(body)

    async def letter_sent(self, letter: Letter, *, at: datetime) -> None:
        await self._mark(letter, {"due_at": None, "delivered_at": at})

    async def letter_again(self, letter: Letter, *, at: datetime | None) -> None:
        await self._mark(letter, {"due_at": at, "attempts": letter.attempts + 1})

    async def _mark(self, letter: Letter, values: dict[str, Any]) -> None:
        mark = update(sandbox_letter).where(sandbox_letter.c.letter_id == letter.letter_id).values(**values)
        await self._database.write(lambda tx: tx.run(mark))


async def _trade(tx: Transaction, out_trade_no: str) -> Trade | None:
    row = await tx.one(select(sandbox_trade).where(sandbox_trade.c.out_trade_no == out_trade_no))
    return None if row is None else Trade(**row)


async def _refund(tx: Transaction, out_refund_no: str) -> RefundOrder | None:
    row = await tx.one(select(sandbox_refund).where(sandbox_refund.c.out_refund_no == out_refund_no))
    return None if row is None else RefundOrder(**row)


async def _post(tx: Transaction, letters: list[Letter]) -> None:
    await tx.run(_POST, [asdict(letter) for letter in letters])


def _letter(row: RowMapping) -> Letter:
    return Letter(**{name: row[name] for name in Letter.__dataclass_fields__})
