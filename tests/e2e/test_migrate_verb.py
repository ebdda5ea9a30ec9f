"""An operator goes to a version of the schema, and back, by its name."""

import shutil

import pytest

from server.storage.migrate import known_revisions
from tests.e2e.server import run, spawn

NEWEST, BEFORE = known_revisions()[:2]


@pytest.fixture
def data_dir(planted, tmp_path):
    shutil.copytree(planted, tmp_path / "data")
    return tmp_path / "data"


def test_back_is_only_gone_when_told_and_forward_again_at_any_time(data_dir):
    said = []
    for arguments in ((), ("--to", BEFORE), ("--to", BEFORE, "--back"), ("--to", BEFORE), ()):
        done = run("migrate", *arguments, data_dir=data_dir)
        assert done.stderr.count("\n") == (done.returncode == 1)
        said.append((done.returncode, (done.stdout or done.stderr).strip()))
    assert said == [
        (0, f"the schema is {NEWEST}; nothing had to be done"),
        (1, f"{BEFORE} is older than the database's schema: what later revisions added is lost; make a backup and say --back"),
        (0, f"the schema is {BEFORE}; taken back: {NEWEST}"),
        (0, f"the schema is {BEFORE}; nothing had to be done"),
        (0, f"the schema is {NEWEST}; applied: {NEWEST}"),
    ]
    spawn(data_dir).stop()


def test_a_schema_is_not_taken_away_from_under_a_server(data_dir):
    served = spawn(data_dir)
    try:
        refused = run("migrate", "--to", BEFORE, "--back", data_dir=data_dir)
        assert refused.returncode == 1 and "another program has" in refused.stderr
    finally:
        served.stop()


def test_a_name_that_nobody_knows_is_told_with_those_that_there_are(data_dir):
    refused = run("migrate", "--to", "0009", "--back", data_dir=data_dir)
    assert refused.returncode == 1
    assert refused.stderr.startswith("there is no schema 0009; known are 0001_identity, ")
