"""Refunds by administrators (contract.md §10)."""

from server.billing.after_sales import AfterSales
from server.billing.commands_desk import DecideRefund, ListRefundRequests, RefundOrder
from server.billing.request_answers import RefundRequests
from server.core.operation import ADMIN, Operation
from server.handlers.subjects.admin.examples_orders import REFUND_REQUEST


def refund_operations(*, after_sales: AfterSales, requests: RefundRequests) -> list[Operation]:
    return [
        Operation(
            "POST",
            "/api/admin/order/refund",
            RefundOrder,
            after_sales.refund_order,
            ADMIN,
            "对已结束的订单退款(全额或部分)",
            refusals=("wrong_state",),
            about="适用于已完成的订单,以及收取了取消费的已取消订单;进行中的订单请先取消。累计退款不超过已付金额。"
            "同一订单由管理员退款累计达到设定金额(默认500元)时,state 为 waiting,须由另一位管理员确认后才退款,否则立即"
            "退款,state 为 approved。shared 时按比例从陪护人员收入与平台佣金中扣回,已结算的也会调整,本人会收到通知;"
            "到账后家属会收到通知。",
            example=REFUND_REQUEST,
        ),
        Operation(
            "POST",
            "/api/admin/order/refund_decide",
            DecideRefund,
            after_sales.decide_refund,
            ADMIN,
            "复核退款:同意或驳回",
            refusals=("wrong_state",),
            about="同意须由申请人以外的管理员作出;驳回任何管理员均可,包括申请人撤回。等待中的申请在频道 ops 上有告警"
            "refund_waiting,处理后自动关闭。",
            example=REFUND_REQUEST,
        ),
        Operation(
            "GET",
            "/api/admin/order/refund_list",
            ListRefundRequests,
            requests.list_requests,
            ADMIN,
            "管理员发起的退款",
            about="从新到旧。requested_by 为申请人,decided_by 为作出决定者,未达设定金额的两者相同;refund_id 为退款单号,"
            "未退款时为 null。",
            example={"items": [REFUND_REQUEST], "next_cursor": None},
        ),
    ]
