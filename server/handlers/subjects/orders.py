"""What clients may ask about orders and offers."""
from server.booking.commands import (
    AcceptOffer,
    CancelOrder,
    ConfirmOrder,
    CreateOrder,
    FinishOrder,
    ListOffers,
    ListOrders,
    OrderById,
    QuoteOrder,
    RejectOffer,
    ReviewOrder,
    StartOrder,
)
from server.booking.offers.answering import Answering
from server.booking.orders.viewing import Viewing
from server.booking.steps.cancelling import Cancelling
from server.booking.steps.ordering import Ordering
from server.booking.steps.reviewing import Reviewing
from server.booking.steps.visiting import Visiting
from server.core.operation import CAREGIVER, EVERYONE, PARTY, PATIENT, Operation

_TIME_REFUSALS = ("outside_hours", "too_soon", "too_far_ahead", "off_grid", "invalid_duration", "not_offered")


def booking_operations(ordering: Ordering, viewing: Viewing) -> list[Operation]:
    """Quoting, creating and looking at orders."""
    return [
        Operation(
            "POST",
            "/api/order/quote",
            QuoteOrder,
            ordering.quote_order,
            PATIENT,
            "试算订单价格,10分钟内有效",
            rpc=True,
            refusals=_TIME_REFUSALS,
        ),
        Operation(
            "POST",
            "/api/order/create",
            CreateOrder,
            ordering.create_order,
            PATIENT,
            "创建订单",
            status=201,
            rpc=True,
            keyed="required",
            refusals=("caregiver_busy", "patient_busy", "quote_expired", *_TIME_REFUSALS),
        ),
        Operation("GET", "/api/order/status", OrderById, viewing.order_status, EVERYONE, "查询订单状态"),
        Operation("GET", "/api/order/detail", OrderById, viewing.order_detail, EVERYONE, "查询订单详情"),
        Operation("GET", "/api/order/list", ListOrders, viewing.list_orders, EVERYONE, "我的订单列表"),
        Operation("GET", "/api/order/offers", ListOffers, viewing.open_offers, CAREGIVER, "我的待接订单"),
    ]


def offer_operations(answering: Answering) -> list[Operation]:
    """The caregiver's answers."""
    return [
        Operation(
            "POST",
            "/api/order/accept",
            AcceptOffer,
            answering.accept_offer,
            CAREGIVER,
            "接单",
            rpc=True,
            refusals=("offer_taken", "offer_expired", "offer_withdrawn", "caregiver_busy", "wrong_state"),
        ),
        Operation(
            "POST",
            "/api/order/reject",
            RejectOffer,
            answering.reject_offer,
            CAREGIVER,
            "拒单",
            rpc=True,
            refusals=("offer_taken", "offer_expired", "offer_withdrawn", "wrong_state"),
        ),
    ]


def visit_operations(visiting: Visiting, cancelling: Cancelling, reviewing: Reviewing) -> list[Operation]:
    """Start to review, and cancelling."""
    return [
        Operation(
            "POST",
            "/api/order/start",
            StartOrder,
            visiting.start_order,
            CAREGIVER,
            "凭开始码开始服务",
            rpc=True,
            refusals=("start_code_wrong", "outside_start_window", "wrong_state"),
        ),
        Operation(
            "POST",
            "/api/order/finish",
            FinishOrder,
            visiting.finish_order,
            CAREGIVER,
            "结束服务,等待家属确认",
            rpc=True,
            refusals=("wrong_state",),
        ),
        Operation(
            "POST",
            "/api/order/confirm",
            ConfirmOrder,
            visiting.confirm_order,
            PATIENT,
            "确认服务完成",
            rpc=True,
            refusals=("wrong_state",),
        ),
        Operation(
            "GET",
            "/api/order/cancel_quote",
            OrderById,
            cancelling.quote_cancellation,
            PARTY,
            "试算取消费用",
            refusals=("wrong_state",),
        ),
        Operation(
            "POST",
            "/api/order/cancel",
            CancelOrder,
            cancelling.cancel_order,
            PARTY,
            "取消订单",
            rpc=True,
            refusals=("wrong_state",),
        ),
        Operation(
            "POST",
            "/api/order/review",
            ReviewOrder,
            reviewing.review_order,
            PATIENT,
            "评价已完成的订单",
            status=201,
            rpc=True,
            refusals=("already_reviewed", "wrong_state"),
        ),
    ]
