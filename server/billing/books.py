"""The books of one order, for administrators."""

from typing import Any

from server.billing import queries_books as queries
from server.billing import store_requests
from server.billing.ledger import (
    CAREGIVER_PAYABLE,
    CUSTOMER_FUNDS,
    PLATFORM_COMMISSION,
    PROVIDER_CASH,
    REFUNDS_DUE,
)
from server.billing.records import METHOD_TEXTS, PAYMENT_STATUS_TEXTS, SETTLEMENT_STATUS_TEXTS
from server.billing.request_answers import request_answer
from server.core.clock import shanghai_text
from server.storage.transaction import Row, Transaction

ACCOUNT_TEXTS = {
    PROVIDER_CASH: "支付渠道资金",
    CUSTOMER_FUNDS: "代管客户资金",
    CAREGIVER_PAYABLE: "应付陪护人员",
    PLATFORM_COMMISSION: "平台佣金",
    REFUNDS_DUE: "待退款",
}
REFUND_TEXTS = {"requested": "待提交", "processing": "退款中", "succeeded": "已退款", "failed": "退款异常"}
REFUND_KIND_TEXTS = {
    "full": "全额退款",
    "partial": "部分退款",
    "late_payment": "取消后到账退回",
    "second_payment": "重复支付退回",
}


async def books_of(tx: Transaction, order_id: str) -> dict[str, Any]:
    """Payments, refunds and what was asked for, ledger and settlement of an order, oldest first."""
    payments, refunds = await queries.payments_of(tx, order_id), await queries.refunds_of(tx, order_id)
    return {
        "payments": [_payment(row) for row in payments],
        "refunds": [_refund(row) for row in refunds],
        "ledger": [_entry(row) for row in await queries.entries_of(tx, order_id)],
        "refund_requests": [request_answer(row) for row in await store_requests.requests_of(tx, order_id)],
        "settlement": _settlement(await queries.settlement_of(tx, order_id)),
        "paid_fen": sum(row["amount_fen"] for row in payments if row["paid_at"] is not None),
        "refunded_fen": sum(row["amount_fen"] for row in refunds),
    }


def _payment(row: Row) -> dict[str, Any]:
    return {
        "payment_id": row["payment_id"],
        "method": row["method"],
        "method_text": METHOD_TEXTS[row["method"]],
        "amount_fen": row["amount_fen"],
        "status": row["status"],
        "status_text": PAYMENT_STATUS_TEXTS[row["status"]],
        "transaction_id": row["transaction_id"],
        "failure_code": row["failure_code"],
        "refunded_fen": row["refunded_fen"],
        "created_at": shanghai_text(row["created_at"]),
        "paid_at": shanghai_text(row["paid_at"]),
    }


def _refund(row: Row) -> dict[str, Any]:
    return {
        "refund_id": row["refund_id"],
        "payment_id": row["payment_id"],
        "amount_fen": row["amount_fen"],
        "kind": row["kind"],
        "kind_text": REFUND_KIND_TEXTS.get(row["kind"], row["kind"]),
        "reason": row["reason"],
        "status": row["status"],
        "status_text": REFUND_TEXTS[row["status"]],
        "attempts": row["attempts"],
        "failure_code": row["failure_code"],
        "created_at": shanghai_text(row["created_at"]),
        "succeeded_at": shanghai_text(row["succeeded_at"]),
    }


def _entry(row: Row) -> dict[str, Any]:
    return {
        "posting": row["posting"],
        "account": row["account"],
        "account_text": ACCOUNT_TEXTS[row["account"]],
        "amount_fen": row["amount_fen"],
        "at": shanghai_text(row["at"]),
    }


def _settlement(row: Row | None) -> dict[str, Any] | None:
    if row is None:
        return None
    names = ("caregiver_id", "gross_fen", "commission_fen", "adjustment_fen", "net_fen", "status")
    return {name: row[name] for name in names} | {
        "status_text": SETTLEMENT_STATUS_TEXTS[row["status"]],
        "earned_at": shanghai_text(row["earned_at"]),
        "due_at": shanghai_text(row["due_at"]),
        "settled_at": shanghai_text(row["settled_at"]),
    }
