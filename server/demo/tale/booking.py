"""First acts: invitation, quote, order, payment, race.

Exactly one of two caregivers who accept in the same instant may win; everybody who was offered the order
is told how it ended.
"""
import asyncio
import time
import uuid
from datetime import datetime, timedelta
from typing import Any

from server.demo.tale.cast import SERVICE_TYPE, Tale, business_now
from server.demo.tale.player import ARRIVES_WITHIN_S, Player, Reply, listed
from server.demo.tale.stage import Broken, yuan

_DURATION = timedelta(minutes=240)
_WAVE_S = 61  # a further wave comes after 60 s of business time (contract.md §6)
_STARTS_TRIED = 40
_WAVE_ARRIVES_WITHIN_S = (0.6, 2.0)


async def invite_relative(tale: Tale) -> None:
    """The relative joins the patient by a code, unless an earlier story did it."""
    patient_id = tale.patient["patient_id"]
    viewers = listed(await tale.family.get("/api/patient/viewers", patient_id=patient_id))
    if any(viewer["user_id"] == tale.relative.user_id for viewer in viewers):
        tale.family.does(f"{tale.relative.who}早已是{tale.patient['name']}的家属，不必再邀请")
        return
    tale.family.does(f"邀请{tale.relative.who}一起照看{tale.patient['name']}")
    invitation = await tale.family.post("/api/patient/invite", {"patient_id": patient_id})
    tale.relative.does("凭邀请码加入")
    joined = await tale.relative.post("/api/patient/join", {"invite_code": invitation["invite_code"]})
    tale.stage.check(joined["patient_id"] == patient_id, "邀请码带来的正是这位就诊人")


async def open_channels(tale: Tale) -> None:
    """Everybody goes live; the relative through a wire that can be cut."""
    port = await tale.wire.open()
    sent_at = time.monotonic()
    await asyncio.gather(
        tale.admin.connect(), tale.family.connect(), tale.relative.connect(port=port),
        *(candidate.connect() for candidate in tale.candidates),
    )
    count = 3 + len(tale.candidates)
    tale.stage.does("众人", f"{count} 个人打开实时通道，用时 {(time.monotonic() - sent_at) * 1_000:.0f} ms")


async def book(tale: Tale) -> None:
    """Quote and order at the first start that is free for the patient too."""
    for start_at in tale.starts[:_STARTS_TRIED]:
        body = _request(tale, start_at)
        quote = await tale.family.try_post("/api/order/quote", body)
        if quote.code not in ("ok", "patient_busy"):
            raise Broken(f"询价被拒绝：{quote.status} {quote.code} {quote.message}")
        if quote.code == "ok" and await _create(tale, body, quote.data):
            tale.start_at = start_at
            return
    raise Broken("找不到就诊人空闲的时段")


def _request(tale: Tale, start_at: datetime) -> dict[str, Any]:
    return {
        "patient_id": tale.patient["patient_id"], "caregiver_id": None, "service_type": SERVICE_TYPE,
        "hospital_id": tale.hospital["hospital_id"], "start_at": start_at.isoformat(),
        "end_at": (start_at + _DURATION).isoformat(), "requirements": "老人腿脚慢，请陪同取号、候诊，记下医嘱",
    }


async def _create(tale: Tale, body: dict[str, Any], quote: dict[str, Any]) -> bool:
    key = uuid.uuid4().hex
    body = {**body, "quote_id": quote["quote_id"]}
    created = await tale.family.try_post("/api/order/create", body, key=key)
    if created.code == "patient_busy":
        return False
    if created.code != "ok":
        raise Broken(f"下单被拒绝：{created.status} {created.code} {created.message}")
    order = created.data
    tale.family.does(f"在{tale.hospital['name']}为{tale.patient['name']}下单，{body['start_at'][:16]} 起半天，不指定陪护")
    tale.stage.price_lines(order["lines"], amount_fen=order["amount_fen"])
    tale.order_id, tale.amount_fen = order["order_id"], order["amount_fen"]
    tale.stage.check(order["status"] == "pending_payment", "新订单的状态是 待支付")
    tale.stage.check(order["amount_fen"] == quote["amount_fen"] == sum(line["amount_fen"] for line in order["lines"]),
                     "订单金额 = 报价 = 各行之和")
    again = await tale.family.try_post("/api/order/create", body, key=key)
    tale.stage.check(again.data == created.data, "同一幂等键重复提交，得到同一张订单")
    return True


async def watch(tale: Tale) -> None:
    """Family, relative and administrator follow the order; the others may not."""
    followed = await asyncio.gather(*(
        player.follow(tale.channel) for player in (tale.family, tale.relative, tale.admin)
    ))
    tale.stage.check(all(followed), "下单人、加入的亲戚和管理员都能关注订单频道")
    stranger = tale.candidates[0]
    tale.stage.check(not await stranger.follow(tale.channel), "还没接单的陪护看不到订单频道")


async def pay(tale: Tale) -> None:
    """The sandbox's own payment; a server that waits for the payer's tap gets it."""
    sent_at = tale.family.does(f"用沙箱支付 {yuan(tale.amount_fen)}")
    payment = await tale.family.post("/api/order/pay", {
        "order_id": tale.order_id, "method": "sandbox", "amount_fen": tale.amount_fen,
    })
    where = {"payment_id": payment["payment_id"], "status": "succeeded"}
    early = await tale.family.inbox.await_event(
        "payment.status", where=lambda e: all(e.data.get(k) == v for k, v in where.items()), within_s=2.0
    )
    if early is None:
        sent_at = tale.family.does("在收银台点了确认")
        await tale.server.data(
            "POST", "/sandbox/pay", body={"payment_id": payment["payment_id"], "result": "approve"}
        )
    await tale.family.hears("payment.status", "支付成功", since=sent_at, **where)
    await tale.family.hears("order.status", "订单 已支付", since=sent_at, order_id=tale.order_id, status="paid")
    await tale.family.hears("notice", "通知：预约成功", since=sent_at, order_id=tale.order_id,
                            template="booking_succeeded")
    await _await_offers(tale, sent_at)


async def _await_offers(tale: Tale, sent_at: float) -> None:
    """Wait until two candidates hold an offer; later waves are reached by moving business time."""
    for _ in range(3):
        offered = await _offered(tale)
        if len(offered) >= 2:
            break
        tale.stage.does("沙箱时钟", "不足两人收到，快进一分钟到下一波派单")
        await business_now(tale.server, advance_s=_WAVE_S)
    else:
        raise Broken("三波派单之后仍不足两位陪护收到邀约")
    for player in offered:
        event = await player.hears("offer.opened", "新的邀约", since=sent_at, order_id=tale.order_id)
        _check_offer(tale, event.data)
    tale.winner, tale.loser = offered[0], offered[1]  # until the race decides


async def _offered(tale: Tale) -> list[Player]:
    """The candidates who hold an offer: a wave comes at once, therefore a short wait, then a longer one."""
    for within_s in _WAVE_ARRIVES_WITHIN_S:
        held = await asyncio.gather(*(
            player.inbox.await_event(
                "offer.opened", where=lambda e: e.data["order_id"] == tale.order_id, within_s=within_s
            ) for player in tale.candidates
        ))
        holders = [player for player, event in zip(tale.candidates, held, strict=True) if event]
        if len(holders) >= 2:
            break
    return holders


def _check_offer(tale: Tale, offer: dict[str, Any]) -> None:
    patient = offer["patient"]
    if "name" in patient or "contact_phone" in patient or tale.patient["name"] in str(offer):
        raise Broken("接单之前的邀约泄露了患者的姓名或电话")
    if offer["income_fen"] != tale.amount_fen - (tale.amount_fen * 20 + 50) // 100:
        raise Broken(f"邀约里的收入 {offer['income_fen']} 不是金额减去两成佣金")


async def race(tale: Tale) -> None:
    """Two accept at the same moment, one over REST, one over the socket."""
    first, second = tale.carer, tale.loser
    offers = [
        player.inbox.find("offer.opened", where=lambda e: e.data["order_id"] == tale.order_id)
        for player in (first, second)
    ]
    sent_at = first.does(f"与{second.who}同一瞬间点了接单（一个走 HTTP，一个走实时通道）")
    replies = await asyncio.gather(
        first.try_post("/api/order/accept", {"offer_id": offers[0].data["offer_id"]}),
        second.try_rpc("order.accept", {"offer_id": offers[1].data["offer_id"]}),
    )
    _decide(tale, [first, second], replies)
    tale.accepted_at = sent_at
    await tale.family.hears("order.status", f"订单 待服务：{tale.carer.who}接单了", since=sent_at,
                            order_id=tale.order_id, status="awaiting_service")
    await tale.family.hears("notice", "通知：陪护已接单", since=sent_at, order_id=tale.order_id,
                            template="caregiver_accepted")
    await tale.carer.hears("offer.closed", "邀约结束：归我了", since=sent_at, order_id=tale.order_id, reason="accepted")
    for player in tale.candidates:
        held = player.inbox.find("offer.opened", where=lambda e: e.data["order_id"] == tale.order_id)
        if held and player is not tale.carer:
            await player.hears("offer.closed", "邀约结束：手慢了，已被接走", since=sent_at,
                               order_id=tale.order_id, reason="taken")
    offers_left = listed(await tale.loser.get("/api/order/offers"))
    tale.stage.check(all(o["order_id"] != tale.order_id for o in offers_left), "落选者的待接列表里不再有它")


def _decide(tale: Tale, players: list[Player], replies: list[Reply]) -> None:
    codes = [reply.code for reply in replies]
    tale.stage.check(sorted(codes) == ["offer_taken", "ok"], f"恰好一人接到，另一人得到 offer_taken（实际 {codes}）")
    winner = codes.index("ok")
    tale.winner, tale.loser = players[winner], players[1 - winner]
    tale.stage.check(replies[winner].data["order_id"] == tale.order_id, "接到的就是这一单")


async def let_the_carer_in(tale: Tale) -> None:
    """After acceptance the winner sees the order, the loser still does not."""
    tale.stage.check(await tale.carer.follow(tale.channel), f"{tale.carer.who}现在能关注订单频道")
    refused = await tale.loser.try_get("/api/order/detail", order_id=tale.order_id)
    tale.stage.check(refused.status == 404, f"{tale.loser.who}查不到这张订单")
    order = await tale.carer.get("/api/order/detail", order_id=tale.order_id)
    tale.stage.check(order["patient"]["name"] == tale.patient["name"], "接单后才看到患者姓名和联系方式")
    tale.stage.check(not order.get("start_code"), "陪护看不到开始码")
    event = await tale.family.inbox.await_event(
        "order.status", where=lambda e: e.channel == tale.channel and e.data["status"] == "awaiting_service",
        within_s=ARRIVES_WITHIN_S,
    )
    tale.stage.check(event, "订单频道上也有这次变更")
