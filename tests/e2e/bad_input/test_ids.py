"""Ids of others, of other things and of nothing, and SQL where an id or a text is expected.

Whatever is asked about must look as if it did not exist, and nothing may change.
"""
import copy
from urllib.parse import quote, urlencode

import pytest

from tests.e2e.people import Visits, picture
from tests.e2e.targets import DOCUMENTED, fingerprint

SQL = (
    "' OR '1'='1", "1; DROP TABLE t_user; --", "x' UNION SELECT password_hash FROM t_user --", "%' OR 1=1 --",
    "\\' OR 1=1", "1 or sleep(5)", "%", "_", "${jndi:ldap://x}", "{{7*7}}", "../../jwt_secret", "0", "-1", "",
)  # fmt: skip
_PUBLIC = {"hospital_id", "service_type", "hospital_ids"}


@pytest.fixture(scope="module")
def foreign(people, served):
    """Ids of one family's things, by field name; nobody in the crowd has anything to do with them."""
    family = people.one_of("patient", 1)
    visits = Visits(people, family)
    order = visits.book(hours_ahead=30)
    payment_id = visits.pay(order)
    carer, offer_id = visits.await_offer(order["order_id"], people.all_of("caregiver"))
    upload = family.upload("/api/file/upload", {"purpose": "chat"}, file=picture())
    notice = family.get("/api/message/list")["items"][0]
    order_id, file_id = order["order_id"], upload.data["file_id"]
    known = {
        "order_id": order_id, "patient_id": order["patient_id"], "payment_id": payment_id, "offer_id": offer_id,
        "file_id": file_id, "photo_file_id": file_id, "file_ids": file_id, "message_ids": notice["message_id"],
        "user_id": family.user_id, "caregiver_id": carer.caregiver_id, "quote_id": order_id, "corrects": order_id,
        "case_id": order_id, "certification_id": order_id,
    }
    return {"family": family, "carer": carer, "ids": known}


def _strangers(foreign, crowd, target):
    """Credentials of somebody who may ask this, but not about that."""
    involved = {foreign["family"].token, foreign["carer"].token}
    tokens = (crowd.someone(target).token for _ in range(20))
    return {"Authorization": f"Bearer {next(token for token in tokens if token not in involved)}"}


def _is_id(name):
    return (name.endswith(("_id", "_ids")) or name == "corrects") and name not in _PUBLIC | {"msg_id"}


def _asked(caller, target, body, headers):
    if target.has_json:
        return caller.ask("POST", target.path, body=body, headers=headers)
    path = target.path.replace("{file_id}", quote(str(body.get("file_id", "")), safe=""))
    query = {name: value for name, value in body.items() if f"{{{name}}}" not in target.path}
    return caller.ask("GET", f"{path}?{urlencode(query, doseq=True)}", headers=headers)


def _id_places(target):
    plain = target.shape.plain()
    for optional in {"cursor", "before", "expires", "signature"} & plain.keys():
        del plain[optional]
    for name in list(plain):
        if _is_id(name):
            yield name, plain


def test_what_belongs_to_others_is_not_found(caller, crowd, every_target, foreign, world):
    before, wrong, asked = fingerprint(world), [], 0
    public = {"GET /api/caregiver/detail", "GET /api/caregiver/slots"}
    nobody_elses = [one for one in every_target if not one.is_form and one.roles & {"patient", "caregiver"}]
    for target in (one for one in nobody_elses if one.has_http and one.name not in public):
        for name, plain in _id_places(target):
            body = copy.deepcopy(plain)
            for other in body:
                if other in foreign["ids"] and _is_id(other):
                    body[other] = [foreign["ids"][other]] if isinstance(body[other], list) else foreign["ids"][other]
            reply = _asked(caller, target, body, _strangers(foreign, crowd, target))
            asked += 1
            if reply.status not in (404, 422, 409):
                wrong.append(f"{target.name} {name}: {reply.status} {reply.code}")
    assert not wrong, "\n".join(wrong)
    assert fingerprint(world) == before and asked > 30


@pytest.mark.parametrize("text", SQL)
def test_an_id_that_is_sql_or_nonsense_finds_nothing(caller, crowd, every_target, foreign, world, text):
    before, wrong = fingerprint(world), []
    for target in (one for one in every_target if one.has_http and not one.is_form):
        for name, plain in _id_places(target):
            body = plain | {name: [text] if isinstance(plain[name], list) else text}
            reply = _asked(caller, target, body, crowd.headers_for(target))
            if reply.status not in DOCUMENTED or reply.status in (401, 403, 429):
                wrong.append(f"{target.name} {name}: {reply.status} {reply.code}")
    assert not wrong, "\n".join(wrong)
    assert fingerprint(world) == before
