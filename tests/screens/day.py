"""One day in the demo world, lived before pictures are taken.

Everything goes through the public contract. Business time is moved to a morning, so that pictures of any hour
show a day; what was lived stays in the server's data directory.
"""

import io
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from tests.e2e.people import People, Person, Visits
from tests.screens.newcomers import enrol_newcomers

BREAKFAST_HOUR = 7  # in Shanghai; the day's first visit begins an hour and a half later
_FONT = "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc"
_MINUTE_S = 60

Order = dict[str, Any]


@dataclass
class Day:
    """Whom and what the pictures show; orders as they were booked, in the state that their name says."""

    people: People
    daughter: Person
    son: Person
    brother: Person
    carer: Person
    newcomer: Person
    live: Order
    tomorrow: Order
    unpaid: Order
    searching: Order
    cancelled: Order
    reviewed: Order
    unreviewed: Order
    unconfirmed: Order
    invite_code: str = ""


def live_a_day(people: People) -> Day:
    """Takes some seconds; the clock ends at about eleven, in the middle of a visit."""
    daughter, son, brother = (people.one_of("patient", place) for place in range(3))
    carer, second, third, fourth, fifth = (people.one_of("caregiver", place) for place in (0, 5, 3, 2, 4))
    hers, his, others = (Visits(people, person) for person in (daughter, son, brother))
    patients = {one["gender"]: one["patient_id"] for one in daughter.get("/api/patient/list")["items"]}
    father, mother = patients["male"], patients["female"]
    _until_breakfast(hers)

    training = "请协助起床、如厕，按医嘱陪同康复训练"
    reviewed = _accepted(hers, second, hours_ahead=1.3, patient_id=mother, department="orthopedics", requirements=training)
    unreviewed = _accepted(others, third, hours_ahead=1.3)
    unconfirmed = _accepted(his, fourth, hours_ahead=1.3)
    unserved = _accepted(his, fifth, hours_ahead=1.3, **_twelve_hours(his))
    live = _accepted(hers, carer, hours_ahead=2.4, patient_id=father, department="cardiology",
                     requirements="老人腿脚慢，请陪同取号、候诊和检查，记下医生交代的事")
    _arrange(hers, live, carer)
    morning = ((hers, reviewed, second), (others, unreviewed, third), (his, unconfirmed, fourth), (his, unserved, fifth))
    for visits, order, helper in morning:
        visits.start(order, helper)
    for visits, order, helper in morning:
        _finish(visits, order, helper)
    _confirm(daughter, reviewed)
    _confirm(son, unserved)
    _confirm(brother, unreviewed)
    _review(daughter, reviewed)
    _tell_case(second, daughter, reviewed)
    _tell_case(third, None, unreviewed)
    _let_the_brother_in(daughter, brother, patient_id=father)

    hers.start(live, carer)
    _work(hers, live, carer, brother)
    cancelled = hers.book(hours_ahead=50, patient_id=mother)
    hers.pay(cancelled)
    daughter.post("/api/order/cancel", {"order_id": cancelled["order_id"], "reason": "检查改期"})
    tomorrow = _accepted(hers, carer, hours_ahead=22.5, patient_id=mother, department="orthopedics", bed_no="12 床",
                         requirements=training)
    newcomer, *_ = enrol_newcomers(people)
    _administer(people, reviewed, unserved)
    return Day(
        people, daughter, son, brother, carer, newcomer, live, tomorrow,
        unpaid=hers.book(hours_ahead=71, patient_id=father, service_type="errand", **_errand(hers, 71)),
        searching=_search(hers, mother), cancelled=cancelled, reviewed=reviewed, unreviewed=unreviewed,
        unconfirmed=unconfirmed, invite_code=_ring(his, carer, daughter, mother),
    )


def _until_breakfast(visits: Visits) -> None:
    """The next morning that is still to come; a server that has lived already is as good."""
    now = visits.now()
    breakfast = now.replace(hour=BREAKFAST_HOUR, minute=2, second=0, microsecond=0)
    while breakfast <= now:
        breakfast += timedelta(days=1)
    visits.now(advance_s=int((breakfast - now).total_seconds()))


def _errand(visits: Visits, hours_ahead: float) -> dict[str, str]:
    """Two hours of an errand, in the middle of a day."""
    start_at = (visits.now() + timedelta(hours=hours_ahead)).replace(minute=0, second=0, microsecond=0)
    return {"start_at": start_at.isoformat(), "end_at": (start_at + timedelta(minutes=120)).isoformat()}


def _twelve_hours(visits: Visits) -> dict[str, Any]:
    """So long, for the other patient, that giving it back needs two administrators."""
    child = next(one["patient_id"] for one in visits.family.get("/api/patient/list")["items"] if one["relation"] == "child")
    wanted = visits.request(hours_ahead=1.3)
    end_at = datetime.fromisoformat(wanted["start_at"]) + timedelta(hours=12)
    return {"patient_id": child, "service_type": "escort_hourly", "start_at": wanted["start_at"], "end_at": end_at.isoformat()}


def _accepted(visits: Visits, carer: Person, **more: Any) -> Order:
    order = visits.book(caregiver_id=carer.caregiver_id, **more)
    visits.pay(order)
    _, offer_id = visits.await_offer(order["order_id"], [carer])
    carer.post("/api/order/accept", {"offer_id": offer_id})
    return order


def _finish(visits: Visits, order: Order, carer: Person) -> None:
    """A quarter of an hour of work in a few lines."""
    for after_min, kind, text in ((12, "measure", "协助起床，助行器行走 20 米"), (3, "milestone", "已离院")):
        visits.now(advance_s=after_min * _MINUTE_S)
        carer.post("/api/note/append", visits.note(order, text) | {"kind": kind})
    summary = "康复训练做完两组，医生说恢复得很好，下周三上午复查。药已取，饭后服用。"
    carer.post("/api/order/finish", {"order_id": order["order_id"], "summary": summary})


def _confirm(family: Person, order: Order) -> None:
    family.post("/api/order/confirm", {"order_id": order["order_id"]})


def _review(family: Person, order: Order) -> None:
    content = "非常细心，每个环节都发消息，我在外地也放心。老人说下次还找她。"
    family.post("/api/order/review", {
        "order_id": order["order_id"], "score": 5, "content": content, "tags": ["准时", "细心", "沟通及时"],
    })


def _tell_case(carer: Person, agreeing: Person | None, order: Order) -> None:
    """A past case for the caregiver's page; who does not agree is still asked."""
    summary = "膝关节置换术后陪护：协助起床、如厕和两组康复训练，记录医生交代的注意事项。"
    case = carer.post("/api/caregiver/case", {
        "order_id": order["order_id"], "summary": summary, "condition_tags": ["术后康复", "骨科"],
    })
    if agreeing is not None:
        agreeing.post("/api/order/case_consent", {"case_id": case["case_id"], "agree": True})


def _let_the_brother_in(daughter: Person, brother: Person, *, patient_id: str) -> None:
    invite = daughter.post("/api/patient/invite", {"patient_id": patient_id})
    brother.post("/api/patient/join", {"invite_code": invite["invite_code"]})


def _say(speaker: Person, order: Order, text: str) -> None:
    speaker.post("/api/chat/send", {
        "order_id": order["order_id"], "msg_id": uuid.uuid4().hex, "kind": "text", "text": text,
    })


def _show(speaker: Person, order: Order, picture: bytes) -> None:
    speaker.post("/api/chat/send", {
        "order_id": order["order_id"], "msg_id": uuid.uuid4().hex, "kind": "image", "file_id": _sent(speaker, picture, "chat"),
    })


def _sent(speaker: Person, picture: bytes, purpose: str) -> str:
    reply = speaker.upload("/api/file/upload", {"purpose": purpose}, file=picture)
    assert reply.code == "ok", reply
    return reply.data["file_id"]


def _arrange(visits: Visits, order: Order, carer: Person) -> None:
    """What they wrote each other before the visit; all but the last is read."""
    family = visits.family
    _say(carer, order, "您好，我是周丽华。我提前一刻钟到，在门诊大厅导诊台等叔叔，可以吗？")
    _say(family, order, "可以的，谢谢周姐！我爸耳朵有点背，说话请慢一点。")
    visits.now(advance_s=4 * _MINUTE_S)
    _say(family, order, "医保卡和病历都在他随身的蓝色布袋里")
    _say(carer, order, "记下了，到了给您发消息")
    last = family.get("/api/chat/history", order_id=order["order_id"], limit=1)["items"][0]
    for reader in (family, carer):
        reader.post("/api/chat/read", {"order_id": order["order_id"], "offset": last["offset"]})


def _work(visits: Visits, order: Order, carer: Person, brother: Person) -> None:
    """The first hour and a half of a visit, as it is written down."""
    def write(after_min: int, kind: str, text: str | None = None, **more: Any) -> None:
        visits.now(advance_s=after_min * _MINUTE_S)
        note = visits.note(order, text or "") | {"kind": kind} | more
        carer.post("/api/note/append", {name: value for name, value in note.items() if value != ""})

    def measure(after_min: int, text: str, pressure: tuple[int, int], pulse: int, temperature: float, oxygen: int) -> None:
        vitals = {
            "systolic_mmhg": pressure[0], "diastolic_mmhg": pressure[1], "pulse_bpm": pulse,
            "temperature_c": temperature, "spo2_percent": oxygen,
        }
        write(after_min, "vital", text, vitals=vitals)

    write(2, "milestone", "已到医院")
    measure(6, "见面后测量", (152, 94), 86, 36.5, 96)
    write(7, "milestone", "已取号", file_ids=[_sent(carer, ticket(), "note")])
    _show(carer, order, ticket())
    _say(carer, order, "号取好了，前面还有 5 位。叔叔精神不错，坐着等。")
    visits.now(advance_s=2 * _MINUTE_S)
    _say(visits.family, order, "辛苦您！他早上的降压药吃了吗？")
    _say(carer, order, "七点半吃的，我问过了")
    write(4, "measure", "协助饮水 150 毫升，搀扶如厕一次")
    write(8, "milestone", "候诊中")
    measure(5, "候诊时复测", (141, 88), 80, 36.6, 97)
    write(14, "condition", "精神可，自述头晕比昨天轻，没有恶心")
    write(6, "milestone", "就诊中")
    measure(12, "就诊后测量", (134, 82), 76, 36.6, 98)
    _say(brother, order, "我中午到医院接爸，药房排队长的话您先陪他坐着")
    _say(visits.family, order, "看到血压降下来了，放心多了")
    last = visits.family.get("/api/chat/history", order_id=order["order_id"], limit=1)["items"][0]
    carer.post("/api/chat/read", {"order_id": order["order_id"], "offset": last["offset"]})


def _search(visits: Visits, patient_id: str) -> Order:
    """An open request that nobody has taken yet."""
    order = visits.book(hours_ahead=46.5, patient_id=patient_id, requirements="请带轮椅，检查前不能进食")
    visits.pay(order)
    return order


def _ring(visits: Visits, carer: Person, daughter: Person, patient_id: str) -> str:
    """An offer that names the caregiver; and, for the form of whoever joins, an invitation."""
    order = visits.book(hours_ahead=27.5, caregiver_id=carer.caregiver_id, requirements="请提醒按时加餐，陪同内分泌科复诊并取药")
    visits.pay(order)
    visits.await_offer(order["order_id"], [carer])
    return daughter.post("/api/patient/invite", {"patient_id": patient_id})["invite_code"]


def _administer(people: People, order: Order, unserved: Order) -> None:
    """What an administrator did today, for the audit; a refund that a second one has to agree to."""
    admin = people.one_of("admin", 0)
    stranger = people.one_of("caregiver", 13)
    admin.post("/api/admin/user/warn", {"user_id": stranger.user_id, "reason": "两次迟到超过十分钟"})
    admin.post("/api/admin/order/refund", {
        "order_id": order["order_id"], "amount_fen": 3_000, "borne_by": "shared", "reason": "轮椅等待太久，补偿家属",
    })
    admin.post("/api/admin/order/refund", {
        "order_id": unserved["order_id"], "amount_fen": 54_000, "borne_by": "shared", "reason": "孩子提前退烧，九小时没有服务，按比例退还",
    })


def ticket() -> bytes:
    """What a hospital's machine prints: a PNG of some kilobytes."""
    paper = Image.new("RGB", (600, 800), "#e9e4da")
    pen = ImageDraw.Draw(paper)
    pen.rectangle((70, 60, 530, 740), fill="#ffffff", outline="#c9c2b4", width=2)
    for top, size, words in (
        (110, 34, "心血管内科 门诊"), (200, 28, "演示样本"), (270, 150, "A032"), (480, 30, "前面还有 5 位"), (540, 30, "二楼 3 诊室"),
    ):
        pen.text((300, top), words, font=ImageFont.truetype(_FONT, size), fill="#26323a", anchor="ma")
    for place in range(40):
        pen.rectangle((120 + place * 9, 620, 122 + place * 9 + place % 4, 690), fill="#26323a")
    made = io.BytesIO()
    paper.save(made, "PNG", optimize=True)
    return made.getvalue()

