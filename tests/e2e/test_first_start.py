"""The first minute with the program: it starts, or says in one sentence why not.

Every failure is exit code 1, one sentence on stderr that names what to change, and no traceback.
"""
import io
import shutil
import socket
import sqlite3
import subprocess
import tarfile
import time

import pytest

from tests.e2e.caller import Caller
from tests.e2e.server import ROOT, run, serving

_SECRET = "s" * 40
_SECRETS = {f"PEIHU_{name}": _SECRET for name in ("JWT_SECRET", "FIELD_KEY", "SERVICE_KEY")}


@pytest.fixture(scope="module")
def fresh_copy(tmp_path_factory):
    """The repository as somebody else gets it: what is committed, and nothing beside it."""
    copy = tmp_path_factory.mktemp("fresh") / "peihu"
    if (ROOT / ".git").exists():
        archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, capture_output=True, check=True).stdout
        with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
            packed.extractall(copy, filter="data")
    else:
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".venv", "var", "node_modules", "__pycache__"))
    assert not (copy / ".venv").exists() and not (copy / "var").exists()
    return copy


def test_a_fresh_copy_starts_with_its_world_and_starts_again_at_once(fresh_copy):
    took_s = []
    for _ in range(2):
        begun = time.monotonic()
        with serving(fresh_copy / "var", root=fresh_copy) as served:
            took_s.append(time.monotonic() - begun)
            caller = Caller(served.port)
            accounts = caller.get("/sandbox/accounts")
            assert caller.ask("GET", "/readyz").status == 200
            assert caller.ask("GET", "/").raw.lower().startswith(b"<!doctype html>")
            caller.close()
        assert "Traceback" not in served.printed()
    kinds = [account["user_type"] for account in accounts]
    assert kinds.count("caregiver") >= 12 and kinds.count("patient") >= 2 and kinds.count("admin") >= 1
    print(f"first start {took_s[0]:.2f} s, second {took_s[1]:.2f} s")
    assert took_s[1] < took_s[0] and took_s[1] < 20, took_s  # promised: 3 s on a machine that does nothing else


def _sentence(done, *words):
    """The one sentence on stderr; it must hold these words."""
    assert done.returncode == 1, (done.returncode, done.stdout, done.stderr)
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert "Traceback" not in done.stdout + done.stderr and len(lines) == 1, done.stderr
    for word in words:
        assert word.lower() in lines[0].lower(), lines[0]


def test_a_port_in_use_is_said_with_a_way_out(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run("serve", "--port", str(port), data_dir=tmp_path / "var")
    _sentence(done, f"port {port} is in use", f"--port {port + 1}")


def test_a_port_that_is_none_is_refused(tmp_path):
    done = run("serve", "--port", "70000", data_dir=tmp_path / "var")
    assert done.returncode == 2 and "Traceback" not in done.stderr and "70000" in done.stderr


def test_a_second_server_on_the_same_port_leaves_the_first_alone(world):
    with serving(world) as first:
        done = run("serve", "--port", str(first.port), data_dir=world)
        _sentence(done, "is in use")
        caller = Caller(first.port)
        assert caller.ask("GET", "/readyz").status == 200
        caller.close()


@pytest.mark.parametrize("place", ["a file", "below a file", "nowhere"])
def test_a_data_directory_that_cannot_be_written_is_said(tmp_path, place):
    file = tmp_path / "file"
    file.write_text("x")
    data_dir = {"a file": file, "below a file": file / "var", "nowhere": "/proc/nowhere/var"}[place]
    _sentence(run("serve", "--port", "0", data_dir=data_dir), "cannot be written", "PEIHU_DATA_DIR", str(data_dir))


@pytest.mark.parametrize(("content", "words"), [
    ("port = = 1", ["is damaged"]),
    ("\udcff", ["is damaged"]),
    ('port = "abc"', ["port"]),
    ("[ws]\nframe_size_bytes = 1", ["ws", "frame_size_bytes"]),
    ("colour = 1", ["colour", "not a setting"]),
    ("[nothing]\nx = 1", ["nothing"]),
    ('environment = "staging"', ["environment"]),
])  # fmt: skip
def test_a_configuration_file_that_is_wrong_is_said(tmp_path, content, words):
    file = tmp_path / "peihu.toml"
    file.write_bytes(content.encode("utf-8", "surrogateescape"))
    _sentence(run("serve", "--config", str(file), data_dir=tmp_path / "var"), *words)


def test_a_configuration_file_that_is_not_there_is_said(tmp_path):
    missing = str(tmp_path / "missing.toml")
    _sentence(run("serve", "--config", missing, data_dir=tmp_path / "var"), missing, "cannot be read")
    _sentence(run("check", data_dir=tmp_path / "var", settings={"PEIHU_CONFIG": missing}), missing, "cannot be read")


@pytest.mark.parametrize(("settings", "words"), [
    ({"PEIHU_COLOUR": "blue"}, ["PEIHU_COLOUR"]),
    ({"PEIHU_WS__CONNECTIONS": "3"}, ["PEIHU_WS__CONNECTIONS"]),
    ({"PEIHU_PORT": "abc"}, ["port"]),
    ({"PEIHU_PORT": "70000"}, ["port"]),
    ({"PEIHU_WS": "3"}, ["ws"]),
    ({"PEIHU_WS__FRAME_SIZE_BYTES__X": "3"}, ["ws"]),
    ({"PEIHU_JWT_SECRET": "short"}, ["PEIHU_JWT_SECRET", "32"]),
    ({"PEIHU_FIELD_KEY": "k" * 31}, ["PEIHU_FIELD_KEY", "32"]),
    ({"PEIHU_ENVIRONMENT": "production"}, ["PEIHU_JWT_SECRET", "production"]),
    ({"PEIHU_ENVIRONMENT": "production"} | _SECRETS | {"PEIHU_SERVICE_KEY": ""}, ["PEIHU_SERVICE_KEY"]),
    ({"PEIHU_DATABASE_URL": "nonsense"}, ["PEIHU_DATABASE_URL"]),
    ({"PEIHU_DATABASE_URL": "oracle://host/peihu"}, ["PEIHU_DATABASE_URL"]),
    ({"PEIHU_DATABASE_URL": "mysql+aiomysql://peihu:hunter2@127.0.0.1:1/peihu"}, ["database"]),
    ({"PEIHU_HOST": "256.256.256.256"}, ["256.256.256.256"]),
])  # fmt: skip
def test_a_setting_that_is_wrong_is_said(tmp_path, settings, words):
    done = run("serve", "--port", "0", data_dir=tmp_path / "var", settings=settings)
    _sentence(done, *words)
    assert "hunter2" not in done.stdout + done.stderr and _SECRET not in done.stdout + done.stderr


@pytest.mark.parametrize("name", ["jwt_secret", "field_key", "service_key"])
def test_a_secret_file_that_was_cut_short_is_said(tmp_path, name):
    data_dir = tmp_path / "var"
    data_dir.mkdir()
    (data_dir / name).write_text("abc")
    _sentence(run("check", data_dir=data_dir), name, "damaged")


@pytest.mark.parametrize("damage", ["no database", "a newer schema"])
def test_a_store_that_cannot_be_used_is_said(world, tmp_path, damage):
    data_dir = tmp_path / "var"
    shutil.copytree(world, data_dir)
    if damage == "no database":
        (data_dir / "peihu.db").write_bytes(b"this is no database at all, " * 400)
    else:
        with sqlite3.connect(data_dir / "peihu.db") as store:
            store.execute("UPDATE alembic_version SET version_num = '9999_later'")
        store.close()
    _sentence(run("serve", "--port", "0", data_dir=data_dir), "newer" if damage == "a newer schema" else "database")


def test_production_starts_with_secrets_says_what_is_missing_and_has_no_sandbox(tmp_path):
    with serving(tmp_path / "var", settings=_SECRETS | {"PEIHU_ENVIRONMENT": "production"}) as served:
        caller = Caller(served.port)
        for path in ("/sandbox/accounts", "/sandbox/messages", "/sandbox/clock", "/sandbox/pay"):
            for method in ("GET", "POST"):
                assert caller.ask(method, path).status == 404
        assert caller.get("/api/catalog")["service_types"]
        caller.close()
        assert "missing: " in served.printed() and "demo" not in served.printed()
    assert not list((tmp_path / "var").glob("*_secret")), "production keeps no secrets of its own making"
