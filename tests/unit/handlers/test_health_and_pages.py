"""Probes, metrics and the files of the web application."""
import pytest

from server.handlers.health import Readiness, health_routes
from server.handlers.operations import operation_routes
from server.handlers.static import page_routes
from tests.unit.handlers.conftest import small_operations


@pytest.fixture
def state():
    return {"now": Readiness()}


@pytest.fixture
def client(start, seen, registry, state, tmp_path):
    async def ready():
        return state["now"]

    pages = tmp_path / "web"
    pages.mkdir()
    (pages / "index.html").write_text("<!doctype html><p>首页", encoding="utf-8")
    (pages / "app.js").write_text("export {}", encoding="utf-8")
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    (pages / "link.txt").symlink_to(tmp_path / "secret.txt")

    def rules(edge):
        return [
            *operation_routes(small_operations(seen), edge),
            *health_routes(edge, ready=ready, registry=registry),
            *page_routes(pages, edge),
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


async def test_the_first_page_is_served_with_its_policy(client):
    answer = await client.get("/")
    assert answer.status == 200
    assert "首页" in answer.body.decode()
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Server" not in answer.headers


async def test_a_page_is_asked_for_again_and_found_unchanged(client):
    first = await client.get("/app.js")
    assert first.headers["Cache-Control"] == "no-cache"
    again = await client.get("/app.js", headers={"If-None-Match": first.headers["Etag"]})
    assert (again.status, again.body) == (304, b"")


async def test_an_address_with_a_version_is_kept_for_ever(client):
    assert "immutable" in (await client.get("/app.js?v=1")).headers["Cache-Control"]


@pytest.mark.parametrize(
    "path", ["/nowhere.js", "/../secret.txt", "/%2e%2e/secret.txt", "/..%5csecret.txt", "/%2e%2e%2fsecret.txt", "//etc/passwd"]
)
async def test_what_is_not_a_page_is_not_served(client, path):
    answer = await client.get(path)
    assert answer.status in (403, 404)
    assert answer.code in ("forbidden", "not_found")
    assert b"secret" not in answer.body
    assert "Location" not in answer.headers


async def test_a_link_out_of_the_directory_is_not_followed(client):
    answer = await client.get("/link.txt")
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
