"""What clients may ask about money."""



from server.billing.commands import ListIncome, PaymentById, PayOrder
from server.billing.payments import Payments
from server.billing.settlement import Settlements
from server.billing.viewing import PaymentViews
from server.core.operation import CAREGIVER, PATIENT, Operation


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
        Operation("GET", "/api/caregiver/income", ListIncome, settlements.list_income, CAREGIVER, "我的收入"),
    ]
