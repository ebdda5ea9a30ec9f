"""The notify route: applied once, or answered and left alone."""

import itertools
import json
from datetime import timedelta

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.httputil import HTTPHeaders

from server.billing.facts import PaymentAlarm, PaymentStatusChanged, PaymentSucceeded
from server.billing.store import payment_by_id
from server.core.clock import server_now
from server.payment.sandbox_letters import SandboxKey, letter_body
from server.storage.tables.billing import ledger_entry, payment_notification, refund
from tests.unit.billing.cashier import Notice, make_order, set_order


async def test_a_signed_success_marks_paid_and_books_the_money(cashier):
    order = await make_order(cashier)
    payment_id = await cashier.wire_payment(order)
    assert await (await cashier.notice(payment_id)).receive() == 200
    assert await cashier.status_of(payment_id) == "succeeded"
    assert await cashier.order_status(order) == "paid"
    entries = {row["account"]: row["amount_fen"] for row in await cashier.rows(ledger_entry)}
    assert entries == {"provider_cash": order.amount_fen, "customer_funds": -order.amount_fen}
    succeeded = cashier.told_of(PaymentSucceeded)[0]
    assert (succeeded.order_id, succeeded.amount_fen, succeeded.method) == (order.order_id, order.amount_fen, "wechat")
    assert [fact.status for fact in cashier.told_of(PaymentStatusChanged)] == ["succeeded"]


async def test_the_same_id_and_the_same_transaction_have_one_effect(cashier):
    order = await make_order(cashier)
    payment_id = await cashier.wire_payment(order)
    notice = await cashier.notice(payment_id)
    assert await notice.receive() == 200
    state = await cashier.money_state()
    assert await notice.receive() == 200  # the same id
    assert await (await cashier.notice(payment_id)).receive() == 200  # another id, the same transaction
    assert await cashier.money_state() == state
    assert len(cashier.told_of(PaymentSucceeded)) == 1


FORGERIES = {
    "no headers": lambda h: {},
    "no signature": lambda h: _without(h, "Sandbox-Signature"),
    "no timestamp": lambda h: _without(h, "Sandbox-Timestamp"),
    "no nonce": lambda h: _without(h, "Sandbox-Nonce"),
    "empty signature": lambda h: h | {"Sandbox-Signature": ""},
    "signature not base64": lambda h: h | {"Sandbox-Signature": "***"},
    "signature of other length": lambda h: h | {"Sandbox-Signature": "AAAA"},
    "signature twice": lambda h: h | {"Sandbox-Signature": f"{h['Sandbox-Signature']},{h['Sandbox-Signature']}"},
    "probe": lambda h: h | {"Sandbox-Signature": "WECHATPAY/SIGNTEST/abc"},
    "timestamp abc": lambda h: h | {"Sandbox-Timestamp": "abc"},
    "timestamp negative": lambda h: h | {"Sandbox-Timestamp": "-1"},
    "timestamp huge": lambda h: h | {"Sandbox-Timestamp": "1e20"},
    "timestamp full width": lambda h: h | {"Sandbox-Timestamp": "１２３"},
    "timestamp of another moment": lambda h: h | {"Sandbox-Timestamp": str(int(h["Sandbox-Timestamp"]) + 1)},
    "nonce empty": lambda h: h | {"Sandbox-Nonce": ""},
    "nonce of 1 KB": lambda h: h | {"Sandbox-Nonce": "n" * 1024},
}


def _without(headers, name):
    return {key: value for key, value in headers.items() if key != name}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
async def test_a_forged_header_is_401_and_changes_nothing(cashier, forge):
    payment_id = await cashier.wire_payment(await make_order(cashier))
    notice = await cashier.notice(payment_id)
    state = await cashier.money_state()
    assert await notice.receive(headers=forge(notice.signed())) == 401
    assert await cashier.money_state() == state
    assert await cashier.rows(payment_notification) == []


async def test_an_edited_body_is_401_down_to_one_byte(cashier):
    payment_id = await cashier.wire_payment(await make_order(cashier))
    notice = await cashier.notice(payment_id)
    again = json.dumps(json.loads(notice.body), separators=(",", ":")).encode()
    flipped = notice.body.replace(b"SUCCESS", b"SUCCESs", 1)
    for body in (again, flipped, notice.body + b"\n", notice.body[:-1], b"", b"{}", b"\0"):
        assert await notice.receive(headers=notice.signed(), body=body) == 401
    assert await cashier.status_of(payment_id) == "processing"


@pytest.mark.parametrize("age_s", [-360, 360])
async def test_a_signature_older_or_newer_than_five_minutes_is_401(cashier, age_s):
    payment_id = await cashier.wire_payment(await make_order(cashier))
    notice = await cashier.notice(payment_id)
    old = cashier.key.sign(notice.body, at=server_now() - timedelta(seconds=age_s))
    assert await notice.receive(headers=old) == 401
    assert await cashier.status_of(payment_id) == "processing"


async def test_another_key_is_refused_and_an_unknown_one_is_asked_to_come_again(cashier):
    payment_id = await cashier.wire_payment(await make_order(cashier))
    notice = await cashier.notice(payment_id)
    other = SandboxKey("another secret").sign(notice.body, at=server_now())
    assert await notice.receive(headers=other | {"Sandbox-Serial": cashier.key.serial}) == 401
    assert await notice.receive(headers=other) == 500  # keys rotate: not taken, not lost
    assert await cashier.status_of(payment_id) == "processing"


WRONG_MONEY = {
    "one fen less": {"amount": {"total": 19_899, "currency": "CNY"}},
    "one fen more": {"amount": {"total": 19_901, "currency": "CNY"}},
    "dollars": {"amount": {"total": 19_900, "currency": "USD"}},
    "another merchant": {"mchid": "somebody-else"},
    "another app": {"appid": "somebody-else"},
}


@pytest.mark.parametrize("changed", WRONG_MONEY.values(), ids=WRONG_MONEY)
async def test_money_that_does_not_fit_is_400_with_one_alarm_and_no_effect(cashier, changed):
    order = await make_order(cashier)
    payment_id = await cashier.wire_payment(order)
    notice = await cashier.notice(payment_id, **changed)
    state = await cashier.money_state()
    assert [await notice.receive() for _ in range(3)] == [400, 400, 400]
    assert await cashier.money_state() == state
    assert [alarm.order_id for alarm in cashier.told_of(PaymentAlarm)] == [order.order_id]


UNREADABLE = {
    "amount as text": {"amount": {"total": "19900", "currency": "CNY"}},
    "amount as float": {"amount": {"total": 19900.0, "currency": "CNY"}},
    "amount negative": {"amount": {"total": -19900, "currency": "CNY"}},
    "amount beyond 63 bits": {"amount": {"total": 2**63, "currency": "CNY"}},
    "amount true": {"amount": {"total": True, "currency": "CNY"}},
    "no amount": {"amount": None},
    "state unknown": {"trade_state": "PAID"},
    "no transaction": {"transaction_id": ""},
    "number full width": {"out_trade_no": "１２３"},
}


@pytest.mark.parametrize("changed", UNREADABLE.values(), ids=UNREADABLE)
async def test_signed_content_of_another_shape_is_400(cashier, changed):
    payment_id = await cashier.wire_payment(await make_order(cashier))
    assert await (await cashier.notice(payment_id, **changed)).receive() == 400
    assert await cashier.status_of(payment_id) == "processing"


SIGNED_JUNK = (
    b"x", b"[]", b"{}", b'{"id":"1"}', b"<xml/>", b'{"id":"1","id":"2"}', b"[" * 60_000, b"\xff\xfe", b"null"
)


@pytest.mark.parametrize("body", SIGNED_JUNK, ids=range(len(SIGNED_JUNK)))
async def test_signed_junk_is_400(cashier, body):
    assert await Notice(cashier, "wechat", body).receive() == 400


async def test_an_event_of_another_endpoint_is_400(cashier):
    body = letter_body("COUPON.USE", {"out_trade_no": "x"}, at=server_now()).encode()
    assert await Notice(cashier, "wechat", body).receive() == 400


@pytest.mark.parametrize("state", ["NOTPAY", "USERPAYING", "CLOSED", "REVOKED", "PAYERROR"])
async def test_no_state_but_success_pays(cashier, state):
    order = await make_order(cashier)
    payment_id = await cashier.wire_payment(order)
    await (await cashier.notice(payment_id, state)).receive()
    assert await cashier.order_status(order) == "pending_payment"
    assert await cashier.rows(ledger_entry) == []


async def test_an_unknown_number_is_500_until_it_is_known(cashier):
    order = await make_order(cashier)
    payment_id = await cashier.wire_payment(order)
    stranger = await cashier.notice(payment_id, out_trade_no="0" * 26)
    assert [await stranger.receive() for _ in range(3)] == [500, 500, 500]
    assert len(cashier.told_of(PaymentAlarm)) == 1
    assert await cashier.status_of(payment_id) == "processing"


async def test_a_payment_by_one_provider_is_not_told_by_another(cashier):
    payment_id = await cashier.wire_payment(await make_order(cashier), method="wechat")
    notice = await cashier.notice(payment_id)
    assert await Notice(cashier, "alipay", notice.body).receive() == 500
    assert await Notice(cashier, "nobody", notice.body).receive() == 404
    assert await cashier.status_of(payment_id) == "processing"


async def test_one_transaction_pays_one_payment_only(cashier):
    first, second = await make_order(cashier), await make_order(cashier)
    paid, unpaid = await cashier.wire_payment(first), await cashier.wire_payment(second)
    transaction_id = (await cashier.trade(paid))["transaction_id"]
    assert await (await cashier.notice(paid)).receive() == 200
    assert await (await cashier.notice(unpaid, transaction_id=transaction_id)).receive() == 400
    assert await cashier.status_of(unpaid) == "processing"
    assert await cashier.order_status(second) == "pending_payment"


async def test_a_late_success_of_a_cancelled_order_is_recorded_and_goes_back(cashier):
    order = await make_order(cashier)
    payment_id = await cashier.wire_payment(order)
    notice = await cashier.notice(payment_id)
    assert await cashier.watch.close_unpaid(order.order_id) == "closed"
    await set_order(cashier, order, "cancelled")
    assert await notice.receive() == 200
    assert await cashier.order_status(order) == "cancelled"
    rows = await cashier.rows(refund)
    assert [(row["kind"], row["amount_fen"]) for row in rows] == [("late_payment", order.amount_fen)]


MOVES = ("decline", "close", "query", "success")


@pytest.mark.parametrize("moves", itertools.permutations(MOVES), ids="-".join)
async def test_every_order_of_events_ends_paid_once(cashier, moves):
    order = await make_order(cashier)
    payment_id = await cashier.wire_payment(order)
    success, decline = await cashier.notice(payment_id), await cashier.notice(payment_id, "PAYERROR")
    async with cashier.database.read() as tx:
        opened = await payment_by_id(tx, payment_id)
    await cashier.till.tap(payment_id, "approve")
    for move in moves:
        match move:
            case "decline":
                assert await decline.receive() == 200
            case "close":
                await cashier.watch.close_unpaid(order.order_id)
            case "query":
                await cashier.watch.ask(opened)
            case _:
                assert await success.receive() == 200
    assert await cashier.status_of(payment_id) == "succeeded"
    assert await cashier.order_status(order) == "paid"
    assert await cashier.postings() == ["payment"] and len(await cashier.rows(ledger_entry)) == 2
    assert len(cashier.told_of(PaymentSucceeded)) == 1


async def raw(cashier, path, *, method="POST", body=b"{}"):
    request = HTTPRequest(cashier.base_url + path, method=method, body=body if method == "POST" else None)
    return await AsyncHTTPClient().fetch(request, raise_error=False)


async def test_the_route_takes_a_signed_post_and_says_so_in_the_providers_words(cashier):
    cashier.listen()
    order = await make_order(cashier)
    payment_id = await cashier.wire_payment(order)
    assert await (await cashier.notice(payment_id)).post() == 200
    assert await cashier.order_status(order) == "paid"


async def test_the_route_refuses_what_is_none(cashier):
    cashier.listen()
    payment_id = await cashier.wire_payment(await make_order(cashier))
    notice = await cashier.notice(payment_id)
    path = "/api/payment/notify/wechat"
    assert (await raw(cashier, path)).code == 401
    assert json.loads((await raw(cashier, path)).body)["code"] == "unauthorized"
    assert (await raw(cashier, path, method="GET")).code == 405
    assert (await raw(cashier, "/api/payment/notify/nobody")).code == 404
    assert await notice.post(cashier.notify_url("wechat") + "?a=1") == 404
    assert (await raw(cashier, path, body=b"x" * 70_000)).code == 413
    assert await cashier.status_of(payment_id) == "processing"


async def test_a_doubled_header_is_401_over_the_wire(cashier):
    cashier.listen()
    payment_id = await cashier.wire_payment(await make_order(cashier))
    notice = await cashier.notice(payment_id)
    headers = [*notice.signed().items()]
    doubled = HTTPHeaders()
    for name, value in [*headers, headers[-1]]:
        doubled.add(name, value)
    request = HTTPRequest(cashier.notify_url("wechat"), method="POST", headers=doubled, body=notice.body)
    assert (await AsyncHTTPClient().fetch(request, raise_error=False)).code == 401
