"""An operator backs up, restores, and does it wrong in every way there is."""

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
from hashlib import sha256

import pytest

from tests.e2e.server import ROOT, environment, run, spawn, until

_KEY = "a key file's key of more than thirty-two bytes"


@pytest.fixture
def data_dir(planted, tmp_path):
    """The demo world, of this test alone."""
    shutil.copytree(planted, tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture(scope="module")
def archive(planted, tmp_path_factory):
    """A backup of the demo world."""
    path = tmp_path_factory.mktemp("archives") / "world.peihu"
    made = run("backup", str(path), data_dir=planted)
    assert made.returncode == 0, made.stderr
    return path


@pytest.fixture(scope="module")
def untouched(planted, tmp_path_factory):
    """The demo world, which no test that uses this changes."""
    copy = tmp_path_factory.mktemp("untouched") / "data"
    shutil.copytree(planted, copy)
    return copy


@pytest.fixture
def field_key(planted):
    return {"PEIHU_FIELD_KEY": (planted / "field_key").read_text()}


def _rows(data_dir):
    with sqlite3.connect(data_dir / "peihu.db") as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in names}


def _bytes_of(data_dir):
    """What is kept there; an empty log of SQLite and the index into it keep nothing, and come and go with readers."""
    return {
        str(path.relative_to(data_dir)): sha256(path.read_bytes()).hexdigest()
        for path in sorted(data_dir.rglob("*"))
        if path.is_file() and path.suffix != ".db-shm" and not (path.suffix == ".db-wal" and path.stat().st_size == 0)
    }


def test_a_world_goes_into_one_file_and_comes_back_elsewhere(planted, archive, field_key, tmp_path):
    there = tmp_path / "there"
    done = run("restore", str(archive), data_dir=there, settings=field_key)
    assert (done.returncode, done.stderr) == (0, "")
    assert "signed" in done.stdout and "does not hold" not in done.stdout
    ours, theirs = _rows(planted), _rows(there)
    passing = {"lease", "cluster_secret", "instance_figure"}  # who serves it, with which secrets
    assert {name: theirs[name] for name in theirs if name not in passing} == {
        name: ours[name] for name in ours if name not in passing
    }
    kept = {path.name: path.read_bytes() for path in (planted / "files").rglob("*") if path.is_file()}
    assert kept and kept == {path.name: path.read_bytes() for path in (there / "files").rglob("*") if path.is_file()}
    served = spawn(there, settings=field_key)
    served.stop()


def test_the_report_is_kept_and_can_be_checked_again(archive, field_key, tmp_path):
    source = tmp_path / archive.name
    shutil.copy(archive, source)
    done = run("restore", str(source), data_dir=tmp_path / "there", settings=field_key)
    (report,) = tmp_path.glob("world.peihu.restored-*Z.json")
    assert f"report: {report}" in done.stdout
    told = json.loads(report.read_text())
    assert (told["what"], told["broken"], told["files"]["count"] > 5) == ("restored", [], True)

    def check(path):
        return run("restore", str(source), "--check", str(path), data_dir=tmp_path / "elsewhere", settings=field_key)

    checked = check(report)
    assert checked.returncode == 0 and "is as it was signed" in checked.stdout
    altered = tmp_path / "altered.json"
    altered.write_text(json.dumps(told | {"invariants": 0}))
    strange = {altered: "was altered", source: "cannot be read as a report", tmp_path / "no": "cannot be read"}
    for path, words in strange.items():
        refused = check(path)
        assert (refused.returncode, refused.stderr.count("\n")) == (1, 1) and words in refused.stderr
    assert run("restore", str(source), "--verify", data_dir=tmp_path / "elsewhere", settings=field_key).returncode == 0
    assert not (tmp_path / "elsewhere" / "peihu.db").exists()


def test_a_key_file_takes_the_place_of_the_field_key(data_dir, field_key, tmp_path):
    key = tmp_path / "key"
    key.write_text(f"{_KEY}\n")
    path = tmp_path / "a.peihu"
    assert run("backup", str(path), "--key-file", str(key), data_dir=data_dir).returncode == 0
    refused = run("restore", str(path), data_dir=tmp_path / "there", settings=field_key)
    assert refused.returncode == 1 and "encrypted with another key (a key file); give" in refused.stderr
    strange = run("restore", str(path), "--key-file", str(key), data_dir=tmp_path / "stranger")
    assert strange.returncode == 1 and "sealed with another PEIHU_FIELD_KEY" in strange.stderr
    done = run("restore", str(path), "--key-file", str(key), data_dir=tmp_path / "there", settings=field_key)
    assert done.returncode == 0, done.stderr


_WRONG = {
    "a source that is not there": (["restore", "{tmp}/none.peihu"], "cannot be read (No such file"),
    "a source that is a directory": (["restore", "{tmp}"], "cannot be read (Is a directory)"),
    "a source of another kind": (["restore", "{data}/jwt_secret"], "jwt_secret is no backup of Peihu"),
    "a cut source": (["restore", "{tmp}/cut.peihu", "--replace"], "cut.peihu is cut off: its end is missing"),
    "a store that is full": (["restore", "{archive}"], "is not empty"),
    "two wishes at once": (["restore", "{archive}", "--replace", "--verify"], "exclude each other"),
    "a key file that is not there": (["backup", "{tmp}/x", "--key-file", "{tmp}/none"], "none cannot be read (No such"),
    "a key file that is a directory": (["backup", "{tmp}/x", "--key-file", "{tmp}"], "cannot be read (Is a dir"),
    "a key that is short": (["backup", "{tmp}/x", "--key-file", "{tmp}/short"], "has 5 bytes; at least 32 are needed"),
    "a destination that is there": (["backup", "{archive}"], "a backup is never overwritten"),
    "a destination nowhere": (["backup", "{tmp}/no/where"], "/no is not there"),
    "a destination below a file": (["backup", "{data}/jwt_secret/x"], "jwt_secret is not there"),
    "a destination that looks like a directory": (["backup", "{tmp}/none/"], "/none is not there"),
}


@pytest.mark.parametrize("wrong", _WRONG)
def test_what_is_typed_wrong_ends_in_one_sentence_and_changes_nothing(wrong, untouched, archive, tmp_path):
    arguments, words = _WRONG[wrong]
    (tmp_path / "short").write_text("short")
    (tmp_path / "cut.peihu").write_bytes(archive.read_bytes()[:-1_000])
    before = _bytes_of(untouched)
    places = {"tmp": tmp_path, "data": untouched, "archive": archive}
    done = run(*(one.format(**places) for one in arguments), data_dir=untouched)
    assert done.returncode == 1
    assert words in done.stderr and done.stderr.count("\n") == 1, done.stderr
    assert _bytes_of(untouched) == before
    assert {path.name for path in tmp_path.iterdir()} == {"short", "cut.peihu"}


def test_a_backup_of_nothing_says_where_it_looked(tmp_path):
    done = run("backup", str(tmp_path / "x"), data_dir=tmp_path / "mistyped")
    assert done.returncode == 1 and f"there is no database at {tmp_path}/mistyped/peihu.db" in done.stderr


def test_a_backup_without_the_files_that_its_rows_name_is_made_and_said_to_be_one(data_dir, tmp_path):
    """MySQL, and somebody else's data directory: the rows are there, the papers are not."""
    shutil.rmtree(data_dir / "files")
    done = run("backup", str(tmp_path / "x"), data_dir=data_dir)
    assert done.returncode == 2
    assert "rows name files whose bytes are gone" in done.stdout and "(PEIHU_DATA_DIR)?" in done.stderr
    assert (tmp_path / "x").exists()


def test_a_store_that_is_served_is_backed_up_and_not_restored(data_dir, archive, tmp_path):
    served = spawn(data_dir)
    try:
        assert run("backup", str(tmp_path / "x"), data_dir=data_dir).returncode == 0
        refused = run("restore", str(archive), "--replace", data_dir=data_dir)
        assert refused.returncode == 1
        assert "another program has" in refused.stderr and refused.stderr.count("\n") == 1
    finally:
        served.stop()
    assert "Traceback" not in served.printed()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_restore_that_is_ended_half_way_leaves_the_store_as_it_was(number, data_dir, archive, tmp_path):
    before = _bytes_of(data_dir)
    command = [sys.executable, "run.py", "restore", str(archive), "--replace"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment(data_dir), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as restoring:
        until((data_dir / ".peihu.db.restoring").exists, within_s=30, what="the draft")
        restoring.send_signal(number)
        said = restoring.stderr.read().decode()
    assert restoring.returncode == (-number if number is signal.SIGKILL else 130)
    assert "Traceback" not in said
    after = _bytes_of(data_dir)
    left = {name for name in after if name not in before}
    assert {name: after[name] for name in before} == before
    if number is not signal.SIGKILL:
        assert not left
        return
    served = spawn(data_dir)
    served.stop()
    done = run("restore", str(archive), "--replace", data_dir=data_dir)
    assert done.returncode == 0, done.stderr
    assert [name for name in _bytes_of(data_dir) if "restoring" in name] == []
