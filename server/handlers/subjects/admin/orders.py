"""Orders for administrators (contract.md §10)."""

from server.booking.desk.candidates import Candidates
from server.booking.desk.commands import (
    CancelAnyOrder,
    ListCandidates,
    ReadOrderFile,
    ReassignOrder,
    SearchOrders,
)
from server.booking.desk.file import OrderFile
from server.booking.desk.intervening import Interventions
from server.booking.desk.listing import OrderList
from server.booking.desk.reassigning import Reassigning
from server.core.operation import ADMIN, Operation
from server.handlers.subjects.admin.examples_orders import CANCELLED, CANDIDATES, FILE, LISTED, REASSIGNED


def desk_operations(
    *,
    listing: OrderList,
    file: OrderFile,
    candidates: Candidates,
    reassigning: Reassigning,
    interventions: Interventions,
) -> list[Operation]:
    return [
        Operation(
            "GET",
            "/api/admin/order/list",
            SearchOrders,
            listing.search_orders,
            ADMIN,
            "全部订单,可按状态、医院、区域、类型、日期、人员查找",
            about="按下单时间从新到旧,各条件同时成立。姓名与电话只显示掩码;keyword 按完整订单编号、完整手机号(下单账号或"
            "陪护人员账号)、完整姓名(患者或陪护人员)查找。caregiver 在接单前为 null;refund 无退款时为 null;"
            "open_alarms 为该订单未关闭的告警数。",
            example={"items": [LISTED], "next_cursor": None},
        ),
        Operation(
            "GET",
            "/api/admin/order/detail",
            ReadOrderFile,
            file.read_file,
            ADMIN,
            "订单全貌:历程、派单、资金、通知、告警、审计",
            about="查看即记入审计。order 同订单详情,另有派单与取消的内部信息;timeline 为每次变更;offers 为派单及排序依据"
            "(factors 各项得分/满分);money 为支付、退款、账目(每笔 posting 各科目之和为零)与结算;notices 为已发通知及送达;"
            "talk 只有条数,填写 reason 后才附上聊天与护理记录的内容(各最多500条)。may_reassign、may_cancel 表示此时可否"
            "改派、取消。",
            example=FILE,
        ),
        Operation(
            "GET",
            "/api/admin/order/candidates",
            ListCandidates,
            candidates.list_candidates,
            ADMIN,
            "改派人选:符合条件者的排序与依据,不符合者的原因",
            about="items 为完全符合条件者,最多50位,按派单规则从优到劣(score 为各 factors 之和,满分1000);excluded 为服务该区"
            "但不符合者,最多100位,reasons 中 hard 为 true 的不可改派,其余经本人同意(consented)可以改派。"
            "offer_state 为此前对其派单的结果,未派过为 null。给出 caregiver_id 时只看这一位。",
            example=CANDIDATES,
        ),
        Operation(
            "POST",
            "/api/admin/order/reassign",
            ReassignOrder,
            reassigning.reassign_order,
            ADMIN,
            "改派订单给另一位陪护人员",
            refusals=("caregiver_busy", "not_offered", "wrong_state"),
            about="适用于已支付与待服务的订单,改派后为待服务。价格不变;不会与其其他订单时间冲突。该陪护人员须符合其公布的"
            "区域、时间、类型与价格,否则回答 not_offered,与本人商定后以 consented: true 再提交。原陪护人员在2秒内失去"
            "订单的一切访问;家属、原陪护人员、新陪护人员都会收到通知;开始服务码随之更新。",
            example=REASSIGNED,
        ),
        Operation(
            "POST",
            "/api/admin/order/cancel",
            CancelAnyOrder,
            interventions.cancel_order,
            ADMIN,
            "取消订单,已付款项全额退回",
            refusals=("wrong_state",),
            about="适用于待支付、已支付、待服务的订单,不收取消费;服务开始后不能取消。家属与陪护人员会收到通知。",
            example=CANCELLED,
        ),
    ]
