"""Opens payments.

Three steps, each of which may be the last before a crash: the attempt is committed, the provider is
asked, the answer is kept with its voucher. The same key goes on where the earlier request ended.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from server.billing import store
from server.billing.commands import PayOrder
from server.billing.ports import Orders, Payable
from server.billing.records import METHOD_TEXTS, PAYMENT_STATUS_TEXTS, Payment, PaymentStatus
from server.billing.trade_outcomes import TradeOutcomes
from server.billing.watch import FIRST_CHECK_AFTER, PaymentWatch
from server.core.call import Call
from server.core.clock import BusinessClock
from server.core.errors import Refused, Unavailable, invalid
from server.core.ids import new_id
from server.payment.port import AlreadyPaid, PaymentProvider, ProviderRefused, ProviderUnreachable
from server.storage.sql import Database
from server.storage.transaction import Transaction
from server.storage.unit_of_work import UnitOfWork

_CURRENCY = "CNY"
_DESCRIPTION = "陪诊陪护服务"
_GOING_ON = (PaymentStatus.PROCESSING.value, PaymentStatus.SUCCEEDED.value)


class Payments:
    """The cashier. `notify_url(provider)` is where a provider reaches us."""

    def __init__(
        self,
        *,
        database: Database,
        units: UnitOfWork,
        orders: Orders,
        providers: Mapping[str, PaymentProvider],
        trades: TradeOutcomes,
        watch: PaymentWatch,
        clock: BusinessClock,
        notify_url: Callable[[str], str],
    ) -> None:
        self._database = database
        self._units = units
        self._orders = orders
        self._providers = providers
        self._trades = trades
        self._watch = watch
        self._clock = clock
        self._notify_url = notify_url
        self._running: set[tuple[str, str]] = set()

    async def pay(self, call: Call, command: PayOrder) -> dict[str, Any]:
        """{"payment_id", "order_id", "status", "status_text", "method", "amount_fen", "voucher"}.

        Raises Refused `not_found`, `forbidden`, `wrong_state`, `amount_mismatch`, `payment_in_progress`;
        Unavailable when the provider does not answer (the same key may go on).
        """
        if await self._units.recall(call):
            return _kept(call)
        slot = (call.user.user_id, call.keyed.key if call.keyed else new_id())
        if slot in self._running:
            raise Refused("idempotency_in_progress")
        self._running.add(slot)
        try:
            return await self._pay(call, command)
        finally:
            self._running.discard(slot)

    async def _pay(self, call: Call, command: PayOrder) -> dict[str, Any]:
        try:
            payment = await self.open_attempt(call, command)
        except Refused as refusal:
            return await self._units.run(call, _refusing(refusal))
        voucher = payment.voucher
        if voucher is None and payment.status == PaymentStatus.PROCESSING.value:
            voucher = await self.open_trade(payment)
        return await self.answer(call, payment, voucher or {})

    async def open_attempt(self, call: Call, command: PayOrder) -> Payment:
        """The first step: commit to one attempt, or find the one that this key opened before."""
        if command.method not in self._providers:
            raise invalid("method", "暂不支持该支付方式")

        async def body(tx: Transaction) -> Payment:
            payable = await self._orders.payable(tx, command.order_id, call.user.user_id)
            if payable is None:
                raise Refused("not_found")
            if payable.relation != "booker":
                raise Refused("forbidden")
            key = _attempt_key(tx, call)
            earlier = await store.attempt(tx, command.order_id, key) if key else None
            if earlier is not None:
                return earlier
            self._check(payable, command)
            return await self._add(tx, call, command, attempt_key=key)

        return await self._database.write(body)

    def _check(self, payable: Payable, command: PayOrder) -> None:
        if payable.status != "pending_payment" or payable.pay_deadline_at <= self._clock.now():
            raise Refused("wrong_state")
        if command.amount_fen != payable.amount_fen:
            raise Refused("amount_mismatch")

    async def _add(self, tx: Transaction, call: Call, command: PayOrder, *, attempt_key: str | None) -> Payment:
        row = _attempt_row(call, command, attempt_key=attempt_key, at=self._clock.now())
        if not await store.add_payment(tx, row):
            twin = await store.attempt(tx, command.order_id, attempt_key) if attempt_key else None
            if twin is not None:  # the same request, taken by another instance at the same moment
                return twin
            live = await store.live_payment(tx, command.order_id)
            raise Refused("payment_in_progress", data=None if live is None else {"payment_id": live.payment_id})
        payment = await store.payment_by_id(tx, row["payment_id"])
        assert payment is not None
        return payment

    async def open_trade(self, payment: Payment) -> dict[str, Any] | None:
        """The second step, outside any transaction: the provider's voucher; None when it is paid already."""
        provider = self._providers[payment.method]
        try:
            return await provider.prepay(
                out_trade_no=payment.payment_id,
                amount_fen=payment.amount_fen,
                currency=payment.currency,
                description=_DESCRIPTION,
                channel=payment.channel,
                notify_url=self._notify_url(provider.name),
                payer=None,
            )
        except AlreadyPaid:
            await self._watch.ask(payment)
            return None
        except ProviderUnreachable:
            raise Unavailable(retry_after_s=2) from None
        except ProviderRefused as refusal:
            code = refusal.code
            await self._database.write(
                lambda tx: self._trades.end_payment(tx, payment, PaymentStatus.FAILED, failure_code=code)
            )
            raise Unavailable(retry_after_s=5) from None

    async def answer(self, call: Call, payment: Payment, voucher: dict[str, Any]) -> dict[str, Any]:
        """The third step: store the voucher and keep the answer under the key.

        An order that was given up in between is closed at the provider too.
        """

        async def body(tx: Transaction) -> dict[str, Any]:
            now = await store.payment_by_id(tx, payment.payment_id)
            assert now is not None
            if now.status not in _GOING_ON:
                raise Refused("wrong_state")
            await store.keep_voucher(tx, payment.payment_id, voucher)
            return _opened(now, voucher)

        try:
            return await self._units.run(call, body)
        except Refused as refusal:
            if refusal.code == "wrong_state":
                await self._give_up(payment)
            raise

    async def _give_up(self, payment: Payment) -> None:
        try:
            await self._providers[payment.method].close(payment.payment_id)
        except (AlreadyPaid, ProviderUnreachable):
            pass  # money that comes all the same is sent back when we hear of it


def _kept(call: Call) -> dict[str, Any]:
    answer = call.answer
    assert answer is not None
    if answer.code != "ok":
        raise Refused(answer.code, answer.message or None, data=answer.data)
    return answer.data


def _refusing(refusal: Refused) -> Callable[[Transaction], Any]:
    async def body(_tx: Transaction) -> Any:
        raise refusal

    return body


def _attempt_key(tx: Transaction, call: Call) -> str | None:
    """Whose request it is: account, key and body; None without a key."""
    if call.keyed is None:
        return None
    return tx.keys.lookup_hash(f"{call.user.user_id}\0{call.keyed.key}\0{call.keyed.body_hash}", "payment_attempt")


def _attempt_row(call: Call, command: PayOrder, *, attempt_key: str | None, at: datetime) -> dict[str, Any]:
    return {
        "payment_id": new_id(),
        "order_id": command.order_id,
        "user_id": call.user.user_id,
        "method": command.method,
        "channel": command.channel,
        "amount_fen": command.amount_fen,
        "currency": _CURRENCY,
        "attempt_key": attempt_key,
        "created_at": at,
        "next_check_at": at + FIRST_CHECK_AFTER,
    }


def _opened(payment: Payment, voucher: dict[str, Any]) -> dict[str, Any]:
    return {
        "payment_id": payment.payment_id,
        "order_id": payment.order_id,
        "status": payment.status,
        "status_text": PAYMENT_STATUS_TEXTS[payment.status],
        "method": payment.method,
        "method_text": METHOD_TEXTS[payment.method],
        "amount_fen": payment.amount_fen,
        "voucher": voucher,
    }
