"""Last acts: confirmation, review, notices, income.

What the paper says of money and messages is read back over HTTP.
"""
from collections import Counter

from server.demo.tale.cast import Tale
from server.demo.tale.player import listed
from server.demo.tale.stage import yuan

_FAMILY_NOTICES = ("booking_succeeded", "caregiver_accepted", "service_started", "service_finished", "order_completed")
_COMMISSION_PERCENT = 20


async def confirm(tale: Tale) -> None:
    """Only who booked may confirm."""
    refused = await tale.relative.try_post("/api/order/confirm", {"order_id": tale.order_id})
    tale.stage.check((refused.status, refused.code) == (403, "forbidden"), "亲戚不能代为确认")
    sent_at = tale.family.does("确认服务完成")
    await tale.family.post("/api/order/confirm", {"order_id": tale.order_id})
    for player in (tale.family, tale.carer, tale.relative, tale.admin):
        await player.hears("order.status", "订单 已完成", since=sent_at, order_id=tale.order_id, status="completed")
    status = await tale.family.get("/api/order/status", order_id=tale.order_id)
    tale.stage.check((status["status"], status["status_text"]) == ("completed", "已完成"), "查询到的状态也是 已完成")


async def review(tale: Tale) -> None:
    """Five stars, once."""
    body = {"order_id": tale.order_id, "score": 5, "content": "非常细心，每一步都发消息，老人说下次还找她。",
            "tags": ["细心", "准时"]}
    sent_at = tale.family.does("打了五星，写了评价")
    await tale.family.post("/api/order/review", body)
    await tale.carer.hears("notice", "通知：收到新的评价", since=sent_at, order_id=tale.order_id,
                           template="review_received")
    again = await tale.family.try_post("/api/order/review", body)
    tale.stage.check((again.status, again.code) == (409, "already_reviewed"), "同一订单不能评价两次")


async def read_notices(tale: Tale) -> None:
    """The family was told each step exactly once."""
    notices = listed(await tale.family.get("/api/message/list", limit=100))
    told = Counter(notice["template"] for notice in notices if notice["order_id"] == tale.order_id)
    for notice in reversed(notices):
        if notice["order_id"] == tale.order_id:
            tale.stage.does(tale.family.who, f"消息中心：{notice['title']}——{notice['content']}")
    tale.stage.check(all(told[template] == 1 for template in _FAMILY_NOTICES), "每个关键节点恰好一条通知")


async def read_income(tale: Tale) -> None:
    """The caregiver sees the order's income after commission."""
    income = listed(await tale.carer.get("/api/caregiver/income"))
    row = next((item for item in income if item["order_id"] == tale.order_id), None)
    tale.stage.check(row, "收入明细里有这一单")
    commission_fen = (tale.amount_fen * _COMMISSION_PERCENT + 50) // 100
    tale.stage.check(
        (row["gross_fen"], row["commission_fen"], row["net_fen"])
        == (tale.amount_fen, commission_fen, tale.amount_fen - commission_fen),
        f"收入 {yuan(tale.amount_fen)} - 佣金 {yuan(commission_fen)} = {yuan(tale.amount_fen - commission_fen)}",
    )
