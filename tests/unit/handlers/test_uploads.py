"""Multipart forms and the files that come back (reliability.md §4C)."""
import pytest

from config.fields import IdText, Name, Query
from server.core.errors import Refused
from server.core.operation import ANYONE, EVERYONE, PATIENT
from server.handlers.http.downloads import Download, FileBody
from server.handlers.http.uploads import Upload, UploadedFile
from server.handlers.routes import operation_routes

BOUNDARY = "----peihu"


class Purpose(Query):
    purpose: Name
    note: Name | None = None


class FileId(Query):
    file_id: IdText
    signature: Name | None = None


def part(name, content, *, filename=None, headers=""):
    disposition = f'form-data; name="{name}"' + (f'; filename="{filename}"' if filename is not None else "")
    return f"--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\n{headers}\r\n".encode() + content + b"\r\n"


def form(*parts):
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


PURPOSE = part("purpose", b"chat")
FILE = part("file", b"\x89PNG", filename="x.png")


@pytest.fixture
def received():
    return []


@pytest.fixture
def client(start, received):
    async def run(call, command, files):
        received.append((call, command, files))
        return {"sizes": {name: len(file.content) for name, file in files.items()}}

    async def show(call, command):
        if command.file_id == "missing":
            raise Refused("not_found")
        return FileBody(b"\x89PNG", "image/png", max_age_s=300)

    declared = [
        Upload("/api/file/upload", Purpose, run, PATIENT, "上传", required_files=("file",), status=201),
        Upload("/api/file/some", Purpose, run, EVERYONE, "补充", optional_files=("front", "back")),
        Download("/api/file/{file_id}", FileId, show, ANYONE, "下载"),
    ]
    return start(lambda edge: operation_routes(declared, edge))


async def send(client, body, *, path="/api/file/upload", token="family", content_type=None):
    headers = {"Content-Type": content_type or f"multipart/form-data; boundary={BOUNDARY}"}
    return await client.send("POST", path, body=body, token=token, headers=headers)


async def test_a_form_reaches_the_use_case_with_fields_and_bytes(client, received):
    answer = await send(client, form(PURPOSE, part("note", "张三".encode()), FILE))
    assert (answer.status, answer.json["data"]) == (201, {"sizes": {"file": 4}})
    call, command, files = received[0]
    assert (call.user.user_id, command.purpose, command.note) == ("u-family", "chat", "张三")
    assert files["file"].content == b"\x89PNG"


async def test_an_idempotency_key_is_not_for_uploads(client, received):
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}", "Idempotency-Key": "k"}
    await client.send("POST", "/api/file/upload", body=form(PURPOSE, FILE), token="family", headers=headers)
    assert received[0][0].keyed is None


@pytest.mark.parametrize(
    "filename",
    [
        "../../x.jpg", "C:\\\\x.jpg", "x.jpg%00.php", "CON.jpg", ".", "..", " ", "a" * 500, "照片.jpg", "<img onerror=1>",
        "gpj.exe\u202e",
    ],
)
async def test_the_name_of_a_file_is_never_used(client, received, filename):
    assert (await send(client, form(PURPOSE, part("file", b"x", filename=filename)))).status == 201
    [(_, command, files)] = received
    assert (command, files) == (Purpose(purpose="chat"), {"file": UploadedFile(b"x")})


@pytest.mark.parametrize(
    ("parts", "code", "field"),
    [
        ((FILE,), "invalid", "purpose"),
        ((PURPOSE,), "invalid", "file"),
        ((PURPOSE, FILE, FILE), "invalid", "file"),
        ((PURPOSE, PURPOSE, FILE), "invalid", "purpose"),
        ((PURPOSE, part("file", b"", filename="x")), "invalid", "file"),
        ((PURPOSE, FILE, part("virus", b"x", filename="x")), "unknown_field", "virus"),
        ((PURPOSE, FILE, part("price", b"1")), "unknown_field", "price"),
        ((part("purpose", b"x" * 51), FILE), "invalid", "purpose"),
        ((PURPOSE, part("file", b"no filename")), "invalid", "file"),
        ((part("purpose", b"chat", filename="x"), FILE), "unknown_field", "purpose"),
    ],
)
async def test_a_form_that_does_not_fit_is_refused_and_the_field_named(client, received, parts, code, field):
    answer = await send(client, form(*parts))
    assert (answer.status, answer.code) == (422, code)
    assert answer.fields[0][0] == field
    assert received == []


async def test_files_that_may_be_left_out_are_at_least_one(client):
    path = "/api/file/some"
    assert (await send(client, form(PURPOSE), path=path)).fields == [("front", "required")]
    answer = await send(client, form(PURPOSE, part("back", b"x", filename="b")), path=path)
    assert answer.json["data"] == {"sizes": {"back": 1}}


@pytest.mark.parametrize(
    "body",
    [
        b"", b"no form", form(PURPOSE, FILE)[:-10], form(PURPOSE, FILE, part("note", b"\xff")),
        form(b"--" + BOUNDARY.encode() + b"\r\n\r\nno name\r\n"), form(*[PURPOSE] * 33), form(PURPOSE, part("note", b"a\x00b"), FILE),
        form(PURPOSE, part("file", b"x", filename="x", headers="X: " + "a" * 2_000 + "\r\n")),
        form(PURPOSE, part("file", b"x", filename="x", headers="X: a\rb\r\n")),
    ],
)
async def test_what_is_no_form_is_malformed(client, body):
    answer = await send(client, body)
    assert (answer.status, answer.code) == (400, "malformed")


@pytest.mark.parametrize("name", ["utf-8''%ff%zz", "nonsense''x", "utf-8''%"])
async def test_a_field_name_in_a_broken_coding_is_no_fault_of_ours(client, name):
    odd = f"--{BOUNDARY}\r\nContent-Disposition: form-data; name*={name}\r\n\r\nx\r\n".encode()
    assert (await send(client, form(odd, FILE))).status in (400, 422)


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("multipart/form-data", 400), ("multipart/form-data; boundary=", 400), ("multipart/form-data; boundary=" + "b" * 71, 400),
        ("multipart/mixed; boundary=" + BOUNDARY, 415), ("application/json", 415), ("multipart/form-dataxyz; boundary=x", 415),
    ],
)
async def test_a_content_type_that_is_no_form_is_refused(client, content_type, status):
    assert (await send(client, form(PURPOSE, FILE), content_type=content_type)).status == status


async def test_a_form_within_a_form_is_unsupported(client):
    nested = part("file", b"x", filename="x", headers="Content-Type: multipart/mixed; boundary=y\r\n")
    assert (await send(client, form(PURPOSE, nested))).status == 415


async def test_an_upload_may_be_far_larger_than_a_json_body(client):
    answer = await send(client, form(PURPOSE, part("file", bytes(9 * 1_048_576), filename="x")))
    assert answer.json["data"] == {"sizes": {"file": 9 * 1_048_576}}


async def test_an_upload_at_the_limit_is_taken_and_one_byte_more_is_too_large(client):
    frame = len(form(PURPOSE, part("file", b"", filename="x")))
    room = 10_485_760 - frame
    assert (await send(client, form(PURPOSE, part("file", bytes(room), filename="x")))).status == 201
    answer = await send(client, form(PURPOSE, part("file", bytes(room + 1), filename="x")))
    assert (answer.status, answer.code) == (413, "too_large")


@pytest.mark.parametrize(("token", "status"), [(None, 401), ("carer", 403)])
async def test_who_may_not_upload_is_told_so_whatever_the_size(client, received, token, status):
    answer = await send(client, form(PURPOSE, part("file", bytes(5 * 1_048_576), filename="x")), token=token)
    assert answer.status == status
    assert received == []


async def test_a_client_that_stops_in_the_middle_runs_nothing(client, received):
    sent = form(PURPOSE, FILE)
    answer = client.raw(
        b"POST /api/file/upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer family\r\n"
        + f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n".encode()
        + b"Content-Length: %d\r\nConnection: close\r\n\r\n" % (len(sent) + 1) + sent + b"\n",
        until_closed=True,
    )
    assert (await answer).startswith(b"HTTP/1.1 201")  # the form is whole with its last byte
    cut = b"POST /api/file/upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer family\r\nContent-Length: 99\r\n\r\nhalf"
    with pytest.raises(TimeoutError):
        await client.raw(cut, patience_s=0.1)
    assert (await client.send("GET", "/api/file/x1")).status == 200
    assert len(received) == 1


async def test_a_file_is_shown_in_a_sandbox_and_kept_by_its_asker_only(client):
    answer = await client.get("/api/file/abc?signature=s")
    assert (answer.status, answer.body) == (200, b"\x89PNG")
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "private, max-age=300"
    assert answer.headers["Content-Disposition"] == 'inline; filename="file.png"'


async def test_a_range_is_ignored(client):
    answer = await client.get("/api/file/abc", headers={"Range": "bytes=" + ",".join(["0-"] * 1_000)})
    assert (answer.status, answer.body) == (200, b"\x89PNG")


@pytest.mark.parametrize("path", ["missing", "..%2f..%2fetc%2fpasswd", "a.b", "a/b", "a" * 65, "%00"])
async def test_a_file_that_is_not_there_is_not_found(client, path):
    answer = await client.get(f"/api/file/{path}")
    assert (answer.status, answer.code) == (404, "not_found")


async def test_a_file_takes_no_unknown_parameter_and_its_id_only_from_the_path(client):
    assert (await client.get("/api/file/abc?x=1")).code == "unknown_field"
    assert (await client.get("/api/file/abc?file_id=other")).code == "invalid"


async def test_an_upload_path_that_looks_like_a_file_keeps_its_own_methods(client):
    assert (await client.get("/api/file/upload", token="family")).status == 405
