"""Probes, metrics and the files of the web application."""
import re

import pytest

from server.handlers.health import Readiness, health_routes
from server.handlers.pages.static import page_routes
from server.handlers.routes import operation_routes
from tests.unit.handlers.conftest import small_operations


@pytest.fixture
def state():
    return {"now": Readiness()}


@pytest.fixture
def client(start, seen, registry, state, tmp_path):
    async def ready():
        return state["now"]

    web = tmp_path / "web"
    (web / "dist" / "m" / "assets").mkdir(parents=True)
    (web / "dist" / "m" / "assets" / "app.js").write_text("export {}", encoding="utf-8")
    (web / "dist" / "m" / "icon.svg").write_text("<svg/>", encoding="utf-8")
    (web / "dist" / "m" / "index.html").write_text("<!doctype html><p>首页", encoding="utf-8")
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    (web / "dist" / "m" / "link.txt").symlink_to(tmp_path / "secret.txt")

    def rules(edge):
        return [
            *operation_routes(small_operations(seen), edge),
            *health_routes(edge, ready=ready, registry=registry),
            *page_routes(web, edge),
        ]

    return start(rules)


async def test_a_live_process_says_so(client):
    answer = await client.get("/healthz")
    assert (answer.status, answer.code) == (200, "ok")


async def test_a_ready_instance_says_what_is_degraded(client, state):
    assert (await client.get("/readyz")).json["degraded"] == []
    state["now"] = Readiness(degraded=("redis",))
    answer = await client.get("/readyz")
    assert (answer.status, answer.code, answer.json["degraded"]) == (200, "ok", ["redis"])
    assert answer.json["data"] == {"failing": [], "degraded": ["redis"]}


async def test_an_instance_that_must_be_left_alone_names_the_failing_parts(client, state):
    state["now"] = Readiness(failing=("database",), degraded=("mongo",))
    answer = await client.get("/readyz")
    assert (answer.status, answer.code) == (503, "unavailable")
    assert (answer.json["failing"], answer.json["degraded"]) == (["database"], ["mongo"])
    assert "Retry-After" in answer.headers


async def test_metrics_are_text_for_prometheus(client):
    await client.get("/healthz")
    answer = await client.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert b'peihu_http_answers_total{method="GET",route="/healthz",status="200"} 1.0' in answer.body


@pytest.mark.parametrize(("path", "words"), [("/m/", "首页"), ("/m/index.html", "首页")])
async def test_a_page_is_served_with_its_policy(client, path, words):
    answer = await client.get(path)
    assert answer.status == 200
    assert words in answer.body.decode()
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'self';") and "unsafe" not in policy
    assert re.search(r"connect-src 'self' blob: ws://(127\.0\.0\.1:\d+) wss://\1;", policy), policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Server" not in answer.headers


async def test_a_strange_host_does_not_get_into_the_policy(client):
    answer = await client.get("/m/", headers={"Host": "strange_host.example"})
    assert "connect-src 'self' blob:;" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(("path", "place"), [("/", "/m/"), ("/m", "/m/")])
async def test_the_entrance_leads_to_the_pages(client, path, place):
    answer = await client.get(path, headers={"User-Agent": "Mozilla/5.0 (iPhone) Mobile"})
    assert (answer.status, answer.headers["Location"]) == (302, place)


async def test_what_wechat_brings_back_reaches_the_pages(client):
    answer = await client.get("/?code=abc&state=1x2", headers={"User-Agent": "Mozilla/5.0 (iPhone) MicroMessenger Mobile"})
    assert (answer.status, answer.headers["Location"]) == (302, "/m/?code=abc&state=1x2")


async def test_a_desk_may_choose_once_the_console_is_there(start, tmp_path):
    for name in ("m", "admin"):
        (tmp_path / "dist" / name).mkdir(parents=True)
        (tmp_path / "dist" / name / "index.html").write_text("<!doctype html>", encoding="utf-8")
    client = start(lambda edge: page_routes(tmp_path, edge))
    desk = await client.get("/", headers={"User-Agent": "Mozilla/5.0 (X11; Linux)"})
    assert desk.status == 200 and 'href="/m/"' in desk.body.decode() and 'href="/admin/"' in desk.body.decode()
    phone = await client.get("/", headers={"User-Agent": "Mozilla/5.0 (Linux; Android 12) Mobile MicroMessenger"})
    assert (phone.status, phone.headers["Location"]) == (302, "/m/")


async def test_without_a_build_the_entrance_says_how_to_make_one(start, tmp_path):
    client = start(lambda edge: page_routes(tmp_path, edge))
    answer = await client.get("/")
    assert answer.status == 200 and "run.py web build" in answer.body.decode() and 'href="/m/"' not in answer.body.decode()
    assert (await client.get("/m/")).status == 404


async def test_a_page_is_asked_for_again_and_found_unchanged(client):
    first = await client.get("/m/icon.svg")
    assert first.headers["Cache-Control"] == "no-cache"
    again = await client.get("/m/icon.svg", headers={"If-None-Match": first.headers["Etag"]})
    assert (again.status, again.body) == (304, b"")


async def test_an_address_that_names_its_content_is_kept_for_ever(client):
    assert (await client.get("/m/assets/app.js")).headers["Cache-Control"] == "public, max-age=31536000, immutable"
    for path in ("/m/", "/m/index.html", "/m/icon.svg"):
        assert (await client.get(path)).headers["Cache-Control"] == "no-cache", path


@pytest.mark.parametrize(
    "path",
    [
        "/nowhere.js", "/../secret.txt", "/%2e%2e/secret.txt", "/..%5csecret.txt", "/%2e%2e%2fsecret.txt", "//etc/passwd",
        "/m/../../secret.txt", "/m/%2e%2e%2f%2e%2e%2f%2e%2e%2fsecret.txt", "/m/..%2f..%2f..%2fsecret.txt", "/m/assets", "/m/%00",
    ],
)  # fmt: skip
async def test_what_is_not_a_page_is_not_served(client, path):
    answer = await client.get(path)
    assert answer.status in (403, 404)
    assert answer.code in ("forbidden", "not_found")
    assert b"secret" not in answer.body
    assert "Location" not in answer.headers


async def test_a_link_out_of_the_directory_is_not_followed(client):
    answer = await client.get("/m/link.txt")
    assert answer.status in (403, 404)
    assert b"secret" not in answer.body


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", ["/api", "/api/", "/api/nowhere", "/sandbox/pay"])
async def test_an_unknown_api_path_is_no_page(client, method, path):
    answer = await client.send(method, path, body=b"{}" if method == "POST" else None)
    assert (answer.status, answer.code) == (404, "not_found")


async def test_a_page_takes_no_other_method(client):
    answer = await client.send("POST", "/", body=b"{}")
    assert (answer.status, answer.code) == (405, "method_not_allowed")
    assert "request_id" in answer.json
