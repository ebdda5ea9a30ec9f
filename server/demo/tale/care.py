"""Middle acts: chat, start, notes, a cut wire, the end.

Whoever was cut off must have missed nothing: the positions of the order's channel are compared at the end
between everybody who followed it.
"""
import asyncio
import time
import uuid
from datetime import timedelta
from typing import Any

from server.demo.tale.cast import Tale, business_now
from server.demo.tale.player import ARRIVES_WITHIN_S, Player
from server.demo.tale.stage import Broken

_EARLY = timedelta(minutes=10)  # the start window opens 30 min before
_STEP_S = 300


async def chat(tale: Tale) -> None:
    """Both ways over the socket, with typing and read."""
    await _say(tale, tale.carer, tale.family, "您好，我是接单的陪护，到了在门诊大厅导诊台等您，可以吗？")
    sent_at = tale.family.does("正在输入……")
    await tale.family.rpc("chat.typing", {"order_id": tale.order_id})
    await tale.carer.hears("chat.typing", "对方正在输入", since=sent_at, user_id=tale.family.user_id)
    await _say(tale, tale.family, tale.carer, "可以的。我爸耳朵有点背，说话请慢一点，谢谢！")
    offset = (await _say(tale, tale.relative, tale.family, "我是他大哥，下午我也在，有事随时找我。"))["offset"]
    sent_at = tale.carer.does("读完了消息")
    await tale.carer.rpc("chat.read", {"order_id": tale.order_id, "offset": offset})
    await tale.family.hears("chat.read", "对方已读", since=sent_at, user_id=tale.carer.user_id, offset=offset)


async def _say(tale: Tale, speaker: Player, listener: Player, text: str) -> dict[str, Any]:
    """Send a message twice under one `msg_id`; it must arrive once."""
    msg_id = uuid.uuid4().hex
    body = {"order_id": tale.order_id, "msg_id": msg_id, "kind": "text", "text": text}
    sent_at = speaker.does(f"说：{text}")
    reply = await speaker.rpc("chat.send", body)
    await listener.hears("chat.message", text, since=sent_at, msg_id=msg_id)
    again = await speaker.rpc("chat.send", body)
    if again != reply:
        raise Broken("同一 msg_id 重发，没有得到同样的回答")
    return reply


async def start(tale: Tale) -> None:
    """Business time moves into the start window; the family reads out the code."""
    now = await business_now(tale.server)
    wait_s = max(int((tale.start_at - _EARLY - now).total_seconds()), 1)
    tale.stage.does("沙箱时钟", f"快进 {wait_s // 60} 分钟，到开始前十分钟")
    await business_now(tale.server, advance_s=wait_s)
    order = await tale.family.get("/api/order/detail", order_id=tale.order_id)
    code = order["start_code"]
    tale.stage.check(code and len(code) == 6 and code.isdigit(), "下单人能看到六位开始码")
    seen = await tale.relative.get("/api/order/detail", order_id=tale.order_id)
    tale.stage.check(not seen.get("start_code") and seen.get("amount_fen") is None, "亲戚看不到开始码和金额")
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    refused = await tale.carer.try_post("/api/order/start", {"order_id": tale.order_id, "start_code": wrong})
    tale.stage.check((refused.status, refused.code) == (409, "start_code_wrong"), "输错开始码会被拒绝")
    sent_at = tale.carer.does(f"听家属念出开始码 {code}，开始服务")
    await tale.carer.post("/api/order/start", {"order_id": tale.order_id, "start_code": code})
    for player in (tale.family, tale.relative):
        await player.hears("order.status", "订单 服务中", since=sent_at, order_id=tale.order_id, status="in_service")
    await tale.family.hears("notice", "通知：服务已开始", since=sent_at, order_id=tale.order_id,
                            template="service_started")


async def write_notes(tale: Tale) -> None:
    """Notes stream to family and relative while they are written."""
    await _note(tale, (tale.family, tale.relative), kind="milestone", text="已在导诊台会合，核对了证件和医保卡")
    await _forward(tale)
    await _note(tale, (tale.family, tale.relative), kind="measure", text="协助饮水 150 毫升，搀扶如厕一次")
    await _forward(tale)
    await _note(tale, (tale.family, tale.relative), kind="vital", text="候诊时测量", vitals={
        "temperature_c": 36.6, "pulse_bpm": 78, "systolic_mmhg": 138, "diastolic_mmhg": 86, "spo2_percent": 97,
    })


async def _forward(tale: Tale) -> None:
    await business_now(tale.server, advance_s=_STEP_S)


async def _note(
    tale: Tale, watchers: tuple[Player, ...], *, kind: str, text: str, vitals: dict[str, float] | None = None
) -> None:
    msg_id = uuid.uuid4().hex
    recorded_at = await business_now(tale.server)
    body = {"order_id": tale.order_id, "msg_id": msg_id, "kind": kind, "text": text,
            "recorded_at": recorded_at.isoformat()}
    if vitals is not None:
        body["vitals"] = vitals
    sent_at = tale.carer.does(f"记录：{text}" + (f" {_vitals_text(vitals)}" if vitals else ""))
    await tale.carer.rpc("note.append", body)
    tale.notes_sent.append(msg_id)
    for watcher in watchers:
        event = await watcher.hears("note.added", text, since=sent_at, msg_id=msg_id)
        if vitals is not None and any(event.data["vitals"].get(name) != value for name, value in vitals.items()):
            raise Broken("收到的生命体征与记录的不一致")


def _vitals_text(vitals: dict[str, float]) -> str:
    return (f"体温 {vitals['temperature_c']}℃ 脉搏 {vitals['pulse_bpm']} "
            f"血压 {vitals['systolic_mmhg']}/{vitals['diastolic_mmhg']} 血氧 {vitals['spo2_percent']}%")


async def cut_and_recover(tale: Tale) -> None:
    """The relative's wire is cut, life goes on, the wire is mended: nothing is missing."""
    before = len(tale.relative.followed(tale.channel).subscribed)
    tale.stage.does(tale.relative.who, "走进电梯，网络断了")
    tale.wire.cut()
    missed_from = len(tale.notes_sent)
    await _note(tale, (tale.family,), kind="milestone", text="医生已看诊，开了血常规和心电图")
    await _say(tale, tale.family, tale.carer, "好的，单子拍给我看看。")
    await _note(tale, (tale.family,), kind="condition", text="自述头晕比昨天轻，精神可")
    missed = tale.notes_sent[missed_from:]
    tale.stage.check(
        not any(event.data.get("msg_id") in missed for event in tale.relative.inbox.events),
        "断网期间亲戚一条也没收到",
    )
    sent_at = time.monotonic()
    tale.stage.does(tale.relative.who, "出了电梯，网络恢复")
    tale.wire.mend()
    events = tale.relative.followed(tale.channel)
    tale.stage.check(await events.settled(times=before + 1, within_s=ARRIVES_WITHIN_S), "实时通道自己接上了")
    context = events.subscribed[-1]
    tale.stage.check(context.was_recovering and context.recovered, "服务器按断点补发（recovered = true）")
    for msg_id in missed:
        await tale.relative.hears("note.added", "补到断网期间的记录", since=sent_at, msg_id=msg_id)
    await _note(tale, (tale.family, tale.relative), kind="milestone", text="已取药，用法写在药袋上")


async def finish(tale: Tale) -> None:
    """The caregiver ends the service; no note is taken afterwards."""
    await business_now(tale.server, advance_s=_STEP_S)
    sent_at = tale.carer.does("结束服务，写了小结")
    finished = await tale.carer.post("/api/order/finish", {
        "order_id": tale.order_id, "summary": "血压控制可，医生建议继续原药，两周后复诊；药已取齐并讲解。",
    })
    tale.stage.check(finished["finished_at"], "结束时间已记下")
    await tale.family.hears("notice", "通知：服务已结束", since=sent_at, order_id=tale.order_id,
                            template="service_finished")
    late = await tale.carer.try_rpc("note.append", {
        "order_id": tale.order_id, "msg_id": uuid.uuid4().hex, "kind": "measure", "text": "补记",
        "recorded_at": (await business_now(tale.server)).isoformat(),
    })
    tale.stage.check((late.status, late.code) == (409, "already_finished"), "结束之后不能再写记录")


async def compare_timelines(tale: Tale) -> None:
    """All who followed the channel from the beginning hold the same events in the same order."""
    followers = (tale.family, tale.relative, tale.admin)
    longest = max(max(player.inbox.offsets(tale.channel), default=0) for player in followers)
    await asyncio.gather(*(
        player.inbox.await_position(tale.channel, longest, within_s=ARRIVES_WITHIN_S) for player in followers
    ))
    for player in followers:
        offsets = player.inbox.offsets(tale.channel)
        gapless = offsets == list(range(offsets[0], longest + 1))
        tale.stage.check(gapless, f"{player.who}收到 {len(offsets)} 条频道事件，无缺、无重、次序不乱")
    ids = [[event.id for event in player.inbox.events if event.channel == tale.channel and event.offset]
           for player in followers]
    tale.stage.check(ids[0] == ids[1] == ids[2], "家属、断过网的亲戚和管理员看到的时间线完全一致")
