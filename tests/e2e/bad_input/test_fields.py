"""Every field of every operation with what it must not take.

Each refusal must name the field that was wrong and nothing else, and must leave no trace.
"""
import copy
import json
from urllib.parse import quote, urlencode

import pytest

from tests.e2e.caller import multipart
from tests.e2e.shapes import wrong_texts
from tests.e2e.targets import DOCUMENTED, fingerprint

_BAD_NUMBERS = ("abc", "-1", "1e9", "1.0", " 5", "5 ", "+5", "５", "0x10", "1_000", "true", "", "9" * 400, "5;drop")


def _mutations(target):
    """(field, body) with one field wrong, one missing or one too many, at every depth."""
    plain = target.shape.plain()
    for place, shape, holder, key in target.shape.places(plain):
        kept = holder[key]
        for value in shape.wrong():
            holder[key] = value
            yield place, copy.deepcopy(plain)
        holder[key] = kept
    for name in target.shape.required:
        yield name, {key: value for key, value in plain.items() if key != name}
    yield "role", plain | {"role": "admin"}


def _complaint(reply, field, sent):
    """Why this is no proper refusal of the field, or nothing."""
    named = all(name == field or name.startswith(f"{field}.") for name in reply.fields) and reply.fields
    code = "unknown_field" if field == "role" else "invalid"
    if (reply.status, reply.code) == (422, code) and named and reply.data is None:
        return None
    return f"{field}={str(sent)[:120]}: {reply.status} {reply.code} {reply.fields or reply.data}"


def _value_at(body, field):
    for key in field.split("."):
        if isinstance(body, dict):
            body = body.get(key, "(left out)")
        elif isinstance(body, list):
            body = body[int(key)] if int(key) < len(body) else body
    return body


def test_every_field_of_every_body_refuses_what_it_is_not(caller, crowd, every_target, world):
    complaints, sent = [], 0
    for target in (one for one in every_target if one.has_json):
        before = fingerprint(world)
        for field, body in _mutations(target):
            reply = caller.ask("POST", target.path, body=body, headers=crowd.headers_for(target))
            sent += 1
            if complaint := _complaint(reply, field, _value_at(body, field)):
                complaints.append(f"{target.name} {complaint}")
        after = fingerprint(world)
        complaints += [f"{target.name} changed {name}" for name in before if before[name] != after[name]]
    assert not complaints, "\n".join(complaints)
    assert sent > 1_000


def _query_mutations(target):
    """(field, query string) with one parameter wrong, missing, repeated or too many."""
    plain = {name: _as_text(value) for name, value in target.shape.plain().items()}
    plain = {name: value for name, value in plain.items() if f"{{{name}}}" not in target.path and name != "cursor"}
    for name, shape in target.shape.fields.items():
        if f"{{{name}}}" in target.path:
            continue
        one = shape.main.schema
        texts = _BAD_NUMBERS if one.get("type") == "integer" else tuple(shape.main.wrong_of_kind())
        if one.get("type") == "integer":
            texts += tuple(str(bound) for bound in (one["minimum"] - 1, one["maximum"] + 1))
        if one.get("type") == "array":
            continue
        for text in texts:
            yield name, urlencode(plain | {name: text})
        yield name, urlencode(plain) + f"&{name}={quote(plain.get(name, '1'))}" * 2
        if name in target.shape.required:
            yield name, urlencode({key: value for key, value in plain.items() if key != name})
    yield "role", urlencode(plain | {"role": "admin"})
    yield "limit[]", urlencode(plain | {"limit[]": "1"})
    yield "$where", urlencode(plain | {"$where": "1"})


def _as_text(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value[0] if isinstance(value, list) else value)


def test_every_parameter_of_every_query_refuses_what_it_is_not(caller, crowd, every_target, world):
    complaints, before, sent = [], fingerprint(world), 0
    for target in (one for one in every_target if one.method == "GET" and one.has_http):
        path = target.path.replace("{file_id}", "nobody")
        for field, query in _query_mutations(target):
            reply = caller.ask("GET", f"{path}?{query}", headers=crowd.headers_for(target))
            sent += 1
            field = "role" if field in ("limit[]", "$where") else field
            named = reply.fields <= {field, "limit[]", "$where"}
            code = "unknown_field" if field == "role" else "invalid"
            if (reply.status, reply.code) != (422, code) or not named:
                complaints.append(f"{target.name}?{query[:150]}: {reply.status} {reply.code} {reply.fields}")
    assert not complaints, "\n".join(complaints)
    assert fingerprint(world) == before and sent > 300


@pytest.mark.parametrize("cursor", ["x", "eyJhIjoxfQ", "null", "-1", "0", "' OR 1=1--", "A" * 512, "MjAzMA=="])
def test_a_cursor_that_we_did_not_give_is_refused(caller, crowd, every_target, cursor):
    complaints = []
    for target in (one for one in every_target if one.method == "GET" and "cursor" in one.shape.fields):
        if not {"order_id"} & set(target.shape.required):
            query = urlencode({"cursor": cursor})
            reply = caller.ask("GET", f"{target.path}?{query}", headers=crowd.headers_for(target))
            if (reply.status, reply.code, reply.fields) != (422, "invalid", {"cursor"}):
                complaints.append(f"{target.name}: {reply.status} {reply.code} {reply.fields}")
    assert not complaints, "\n".join(complaints)


@pytest.mark.parametrize("query", [
    "a=%ff", "limit=%zz", "limit=%00", "order_id=%00", "x=%ED%A0%80", "&".join(["a=1"] * 101),
])  # fmt: skip
def test_a_query_that_is_no_text_is_malformed(caller, crowd, every_target, query):
    complaints = []
    for target in (one for one in every_target if one.method == "GET" and one.has_http):
        path = target.path.replace("{file_id}", "nobody")
        reply = caller.ask("GET", f"{path}?{query}", headers=crowd.headers_for(target))
        if (reply.status, reply.code) != (400, "malformed"):
            complaints.append(f"{target.name}: {reply.status} {reply.code}")
    assert not complaints, "\n".join(complaints)


def _form_mutations(target):
    plain = target.shape.plain()
    for name, shape in target.shape.fields.items():
        one = shape.main.schema
        for text in (*(("nonsense", "") if "enum" in one else wrong_texts(one)), "\x00"):
            yield name, plain | {name: text}
        yield name, {key: value for key, value in plain.items() if key != name}
    yield "role", plain | {"role": "admin"}


def test_every_field_of_every_form_refuses_what_it_is_not(caller, crowd, every_target, world):
    complaints, before = [], fingerprint(world)
    for target in (one for one in every_target if one.is_form):
        names = target.declared.required_files + target.declared.optional_files
        for field, fields in _form_mutations(target):
            raw, form = multipart(fields, {name: b"not a picture" for name in names})
            reply = caller.ask("POST", target.path, raw=raw, headers=form | crowd.headers_for(target))
            malformed = (400, "malformed") if "\x00" in fields.get(field, "") else None
            if (reply.status, reply.code) != malformed and (complaint := _complaint(reply, field, fields.get(field))):
                complaints.append(f"{target.name} {complaint}")
        for files in ({}, {"shell": b"x"}, dict.fromkeys(names, b""), dict.fromkeys(names, b"<svg onload=alert(1)>")):
            raw, form = multipart(target.shape.plain(), files)
            reply = caller.ask("POST", target.path, raw=raw, headers=form | crowd.headers_for(target))
            if reply.status not in DOCUMENTED or reply.code in ("ok", "internal"):
                complaints.append(f"{target.name} with {json.dumps(sorted(files))}: {reply.status} {reply.code}")
    assert not complaints, "\n".join(complaints)
    assert fingerprint(world) == before
