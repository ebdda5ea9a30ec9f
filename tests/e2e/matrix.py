"""What everybody may ask: one row an operation, one code an actor.

Columns: anonymous, stranger family, relative, booker, named but not accepted, assigned, other caregiver,
administrator. Rows of orders have one line a state; they stand in the order in which a service goes, because
what is allowed is really done.
"""
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.e2e.ward_round import Place, WardRound

Body = Callable[[WardRound, Place], dict[str, Any]]


@dataclass(frozen=True)
class Row:
    """`codes`: awaiting_service; `later`: in_service, where it differs."""

    target: str
    body: Body
    codes: str
    later: str = ""

    def expected(self, state: str) -> list[int]:
        text = self.later or self.codes if state == "in_service" else self.codes
        return [int(code) for code in text.split()]


def _nothing(_round: WardRound, _place: Place) -> dict[str, Any]:
    return {}


def _order(_round: WardRound, place: Place) -> dict[str, Any]:
    return {"order_id": place.order_id}


def _patient(_round: WardRound, place: Place) -> dict[str, Any]:
    return {"patient_id": place.order["patient_id"]}


def _caregiver(_round: WardRound, place: Place) -> dict[str, Any]:
    return {"caregiver_id": place.actors["assigned"].caregiver_id}


def _offer(_round: WardRound, place: Place) -> dict[str, Any]:
    return {"offer_id": place.offer_id}


def _spare(gathered: WardRound, _place: Place) -> dict[str, Any]:
    return {"user_id": gathered.spare.user_id, "reason": "核对权限"}


def _visit(gathered: WardRound, place: Place) -> dict[str, Any]:
    days = {"awaiting_service": 200, "in_service": 300}[place.state]
    return gathered.visits.request(hours_ahead=days)


def _note(gathered: WardRound, place: Place) -> dict[str, Any]:
    return gathered.visits.note(place.order, "测量血压")


def _page_view(gathered: WardRound, _place: Place) -> dict[str, Any]:
    seen_at = gathered.visits.now().isoformat()
    return {"events": [{"page": "/order", "entered_at": seen_at, "duration_ms": 5}]}


def _slots(gathered: WardRound, place: Place) -> dict[str, Any]:
    day = gathered.visits.now().date().isoformat()
    return _caregiver(gathered, place) | {"date": day, "service_type": "escort_half_day"}


def _with(body: Body, **more: Any) -> Body:
    return lambda gathered, place: body(gathered, place) | more


_ANYBODY = "200 " * 8
_LOGIN = "401" + " 200" * 7
_UNREAD = "422 " * 8  # reached by everybody, and refused for what it lacks
_FAMILIES = "401 200 200 200 403 403 403 403"
_CAREGIVERS = "401 403 403 403 200 200 200 403"
_LACKING = "401 403 403 403 422 422 422 403"
_ADMINS = "401 403 403 403 403 403 403 200"
_NO_SUCH_THING = "401 403 403 403 403 403 403 404"  # administrators ask about what is not there
_PARTY = "401 404 200 200 404 200 404 200"  # the family, who accepted, administrators
_OWN_PATIENT = "401 404 404 200 403 403 403 403"  # a relative is family of orders, not of the record

ROWS: list[Row] = [
    Row("GET /api/catalog", _nothing, _ANYBODY),
    Row("POST /api/user/sms_code", _nothing, _UNREAD),
    Row("POST /api/user/register", _nothing, _UNREAD),
    Row("POST /api/user/login", _nothing, _UNREAD),
    Row("POST /api/user/wechat_begin", _nothing, _ANYBODY),
    Row("POST /api/user/wechat_bind", _nothing, _UNREAD),
    Row("POST /api/user/refresh", _nothing, _UNREAD),
    Row("POST /api/user/reset_password", _nothing, _UNREAD),
    Row("GET /api/user/me", _nothing, _LOGIN),
    Row("POST /api/user/consent", lambda *_: {"purpose": "behaviour", "agree": True}, _LOGIN),
    Row("POST /api/admin/user/ban", _spare, _ADMINS),
    Row("POST /api/admin/user/unban", _spare, _ADMINS),
    Row("GET /api/admin/settings", _nothing, _ADMINS),
    Row("POST /api/admin/settings", lambda *_: {"version": 1, "reason": "核对权限"},
        "401 403 403 403 403 403 403 422"),
    Row("GET /api/admin/settings/history", _nothing, _ADMINS),
    Row("GET /api/admin/overview", _nothing, _ADMINS),
    Row("GET /api/admin/user/list", _nothing, _ADMINS),
    Row("POST /api/admin/user/warn", _spare, _ADMINS),
    Row("POST /api/admin/user/verify", lambda *_: {"user_id": "nobody", "reason": "核对权限"}, _NO_SUCH_THING),
    Row("GET /api/admin/order/list", _nothing, _ADMINS),
    Row("GET /api/admin/order/detail", _order, _ADMINS),
    Row("GET /api/admin/order/candidates", _order, _ADMINS),
    Row("POST /api/admin/order/reassign", lambda _, place: {
        "order_id": "nobody", "caregiver_id": place.actors["other"].caregiver_id, "reason": "核对权限",
    }, _NO_SUCH_THING),
    Row("POST /api/admin/order/cancel", lambda *_: {"order_id": "nobody", "reason": "核对权限"}, _NO_SUCH_THING),
    Row("POST /api/admin/order/refund", lambda *_: {"order_id": "nobody", "amount_fen": 1, "reason": "核对权限"},
        _NO_SUCH_THING),
    Row("POST /api/admin/order/refund_decide", lambda *_: {
        "request_id": "nobody", "decision": "reject", "reason": "核对权限",
    }, _NO_SUCH_THING),
    Row("GET /api/admin/order/refund_list", _nothing, _ADMINS),
    Row("GET /api/admin/audit/list", _nothing, _ADMINS),
    Row("GET /api/admin/alarm/list", _nothing, _ADMINS),
    Row("POST /api/admin/alarm/close", lambda *_: {"alarm_id": "nobody", "reason": "核对权限"}, _NO_SUCH_THING),
    Row("GET /api/admin/qualification/list", _nothing, _ADMINS),
    Row("GET /api/admin/qualification/detail", lambda *_: {"certification_id": "nobody"}, _NO_SUCH_THING),
    Row("POST /api/admin/qualification/claim", lambda *_: {"certification_id": "nobody", "reason": "开始审核"},
        _NO_SUCH_THING),
    Row("POST /api/admin/qualification/review", lambda *_: {
        "certification_id": "nobody", "decision": "reject", "reason": "照片模糊",
    }, _NO_SUCH_THING),
    Row("POST /api/patient/create", _nothing, "401 422 422 422 403 403 403 403"),
    Row("GET /api/patient/list", _nothing, _FAMILIES),
    Row("GET /api/patient/detail", _patient, _OWN_PATIENT),
    Row("POST /api/patient/update", _with(_patient, bed_no="12 床"), _OWN_PATIENT),
    Row("POST /api/patient/invite", _patient, _OWN_PATIENT),
    Row("POST /api/patient/join", lambda *_: {"invite_code": "AAAA-BBBB"}, "401 404 404 404 403 403 403 403"),
    Row("GET /api/patient/viewers", _patient, _OWN_PATIENT),
    Row("POST /api/patient/viewer_remove", _with(_patient, user_id="nobody"), "401 404 404 404 403 403 403 403"),
    Row("POST /api/patient/delete", _patient, "401 404 404 409 403 403 403 403"),
    Row("POST /api/caregiver/profile", _nothing, _LACKING),
    Row("GET /api/caregiver/profile", _nothing, _CAREGIVERS),
    Row("POST /api/caregiver/service", _nothing, _LACKING),
    Row("GET /api/caregiver/service", _nothing, _CAREGIVERS),
    Row("POST /api/caregiver/online", lambda *_: {"online": True}, _CAREGIVERS),
    Row("POST /api/caregiver/qualification", _nothing, _LACKING.replace("422", "415")),
    Row("GET /api/caregiver/qualification", _nothing, _CAREGIVERS),
    Row("GET /api/caregiver/query", _nothing, _LOGIN),
    Row("GET /api/caregiver/detail", _caregiver, _LOGIN),
    Row("GET /api/caregiver/slots", _slots, _LOGIN),
    Row("GET /api/caregiver/reviews", _nothing, _CAREGIVERS),
    Row("GET /api/caregiver/income", _nothing, _CAREGIVERS),
    Row("POST /api/order/quote", _visit, "401 404 403 200 403 403 403 403"),
    Row("POST /api/order/create", _visit, "401 404 403 201 403 403 403 403"),
    Row("GET /api/order/list", _nothing, _LOGIN),
    Row("GET /api/order/offers", _nothing, _CAREGIVERS),
    Row("GET /api/order/status", _order, _PARTY),
    Row("GET /api/order/detail", _order, _PARTY),
    Row("POST /api/order/pay", lambda _, place: {
        "order_id": place.order_id, "method": "sandbox", "amount_fen": place.order["amount_fen"],
    }, "401 404 403 409 403 403 403 403"),
    Row("GET /api/order/payment", lambda _, place: {"payment_id": place.payment_id},
        "401 404 404 200 403 403 403 200"),
    Row("POST /api/order/reject", _with(_offer, reason="没空"), "401 403 403 403 404 409 404 403"),
    Row("POST /api/order/accept", _offer, _CAREGIVERS.replace("200 200 200", "404 200 404")),
    Row("POST /api/order/start", _with(_order, start_code="x"), "401 403 403 403 404 409 404 403",
        "401 403 403 403 404 200 404 403"),  # again by who did it
    Row("GET /api/order/cancel_quote", _order, "401 404 403 200 404 200 404 403", "401 404 403 409 404 409 404 403"),
    Row("POST /api/chat/send", WardRound.message, "401 404 200 200 404 200 404 403"),
    Row("POST /api/chat/typing", _order, "401 404 200 200 404 200 404 403"),
    Row("POST /api/chat/read", lambda _, place: {"order_id": place.order_id, "offset": place.offset},
        "401 404 200 200 404 200 404 403"),
    Row("GET /api/chat/history", _order, _PARTY),
    Row("GET /api/file/{file_id}", lambda _, place: {"file_id": place.file_id}, "401 404 200 200 404 200 404 200"),
    Row("POST /api/file/upload", _nothing, "401" + " 415" * 7),
    Row("POST /api/note/append", _note, "401 403 403 403 404 409 404 403", "401 403 403 403 404 200 404 403"),
    Row("GET /api/note/list", _order, _PARTY),
    Row("GET /api/order/case", _order, "401 404 404 404 403 403 403 403"),
    Row("POST /api/order/case_consent", lambda *_: {"case_id": "nobody", "agree": True},
        "401 404 404 404 403 403 403 403"),
    Row("POST /api/caregiver/case", _with(_order, summary="术后陪护一天"), "401 403 403 403 404 409 404 403"),
    Row("POST /api/order/review", _with(_order, score=5, content="很好"), "401 404 403 409 403 403 403 403"),
    Row("POST /api/order/finish", _with(_order, summary="已送回家"), "401 403 403 403 404 409 404 403",
        "401 403 403 403 404 200 404 403"),
    Row("POST /api/order/confirm", _order, "401 404 403 409 403 403 403 403", "401 404 403 200 403 403 403 403"),
    Row("POST /api/order/cancel", _with(_order, reason="改期"), "401 404 403 200 404 200 404 403",
        "401 404 403 409 404 409 404 403"),
    Row("GET /api/message/list", _nothing, _LOGIN),
    Row("POST /api/message/read", lambda *_: {"all": True}, _LOGIN),
    Row("POST /api/message/send", _nothing, "401 " * 8),
    Row("POST /api/event/report", _page_view, _LOGIN),
    Row("GET /sandbox/accounts", _nothing, _ANYBODY),
    Row("GET /sandbox/messages", _nothing, _ANYBODY),
    Row("POST /sandbox/clock", lambda *_: {"advance_s": 1}, _ANYBODY),
    Row("POST /sandbox/pay", lambda *_: {"payment_id": "nobody", "result": "approve"}, "404 " * 8),
    Row("POST /api/user/logout", _nothing, _LOGIN),
]
