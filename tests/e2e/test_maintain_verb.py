"""An operator looks after a store, beside a running server."""

import json
import shutil
import sqlite3

import pytest

from tests.e2e.caller import Caller
from tests.e2e.server import run, spawn


@pytest.fixture
def data_dir(planted, tmp_path):
    shutil.copytree(planted, tmp_path / "data")
    return tmp_path / "data"


def _break(data_dir, statement):
    with sqlite3.connect(data_dir / "peihu.db") as connection:
        assert connection.execute(statement).rowcount > 0
    connection.close()


def test_a_well_kept_store_is_reported_in_words_and_in_json(data_dir, tmp_path):
    done = run("maintain", "--compact", "--json", str(tmp_path / "report.json"), data_dir=data_dir)
    assert (done.returncode, done.stderr) == (0, "")
    assert "21 asked, 0 do not hold" in done.stdout and "t_order" in done.stdout
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["broken"], report["integrity"], report["is_served"], report["files"]) == ([], [], False, {"lost": 0})
    assert report["compacted"]["bytes_after"] > 0 and report["size"]["bytes_free"] == 0
    assert {one["name"]: one["rows"] for one in report["tables"]}["t_caregiver_info"] >= 14
    assert set(report["took_s"]) <= set(report)


def test_what_does_not_hold_is_exit_code_2_and_named(data_dir):
    _break(data_dir, "UPDATE settlement SET net_fen = net_fen + 1")
    shutil.rmtree(data_dir / "files")
    done = run("maintain", "--json", "-", data_dir=data_dir)
    assert done.returncode == 2
    told = json.loads(done.stdout)["broken"]
    assert [line.split(" (")[0] for line in told] == [
        "I6 does not hold: settlements add up",
        f"files: {json.loads(done.stdout)['files']['lost']} rows name bytes that are not there",
    ]
    assert done.stderr.splitlines() == told


def test_it_works_beside_a_server_and_compacts_only_without_one(data_dir):
    served = spawn(data_dir)
    caller = Caller(served.port)
    try:
        done = run("maintain", "--json", "-", data_dir=data_dir)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["is_served"] is True
        refused = run("maintain", "--compact", data_dir=data_dir)
        assert refused.returncode == 1 and refused.stderr.count("\n") == 1
        assert "open" in refused.stderr and "stop it" in refused.stderr
        assert caller.ask("GET", "/readyz").status == 200
    finally:
        caller.close()
        served.stop()


def test_what_cannot_be_maintained_is_told_in_one_sentence(data_dir, tmp_path):
    for directory, arguments, words in (
        (tmp_path / "mistyped", (), "there is no database at"),
        (data_dir, ("--json", str(tmp_path / "no" / "where")), "No such file or directory"),
    ):
        done = run("maintain", *arguments, data_dir=directory)
        assert done.returncode == 1 and done.stderr.count("\n") == 1 and words in done.stderr
    _break(data_dir, "UPDATE alembic_version SET version_num = '0009_cluster'")
    done = run("maintain", data_dir=data_dir)
    assert done.returncode == 1 and "the schema is 0009_cluster, not" in done.stderr
