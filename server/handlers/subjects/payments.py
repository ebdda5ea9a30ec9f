"""What clients may ask about money."""

from server.billing.commands import ListIncome, PaymentById, PayOrder
from server.billing.payments import Payments
from server.billing.settlement import Settlements
from server.billing.viewing import PaymentViews
from server.core.operation import CAREGIVER, PATIENT, Operation

_INCOME = {
    "items": [
        {
            "order_id": "01k6m3aa000000000000000001",
            "service_type": "escort_half_day",
            "service_type_text": "半天陪诊",
            "start_at": "2026-11-28T09:00:00.000+08:00",
            "gross_fen": 20_000,
            "commission_fen": 4_000,
            "adjustment_fen": 0,
            "net_fen": 16_000,
            "pay_status": "succeeded",
            "pay_status_text": "支付成功",
            "settlement_status": "frozen",
            "settlement_status_text": "待结算",
            "earned_at": "2026-11-28T13:10:00.000+08:00",
            "settlement_due_at": "2026-12-05T00:00:00.000+08:00",
            "settled_at": None,
        }
    ],
    "next_cursor": None,
    "totals": {
        "orders": 1, "gross_fen": 20_000, "commission_fen": 4_000, "adjustment_fen": 0, "net_fen": 16_000,
        "settled_fen": 0, "unsettled_fen": 16_000,
    },
}  # fmt: skip


def payment_operations(payments: Payments, views: PaymentViews, settlements: Settlements) -> list[Operation]:
    """Paying, looking at a payment, and the caregiver's income."""
    return [
        Operation(
            "POST",
            "/api/order/pay",
            PayOrder,
            payments.pay,
            PATIENT,
            "支付订单",
            rpc=True,
            keyed="required",
            refusals=("wrong_state", "amount_mismatch", "payment_in_progress"),
        ),
        Operation(
            "GET",
            "/api/order/payment",
            PaymentById,
            views.payment_of,
            PATIENT | {"admin"},
            "查询支付结果与凭证",
        ),
        Operation(
            "GET",
            "/api/caregiver/income",
            ListIncome,
            settlements.list_income,
            CAREGIVER,
            "我的收入",
            about="每单一行，按收入产生的时间倒序；totals 是所选日期内全部收入的合计，单位均为分。",
            example=_INCOME,
        ),
    ]
