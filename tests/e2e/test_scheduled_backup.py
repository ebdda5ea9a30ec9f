"""A running server backs itself up, and says when it cannot."""

import re
import shutil

import pytest

from tests.e2e.caller import Caller
from tests.e2e.server import run, spawn, until

_PROMPT_S = 60


@pytest.fixture
def data_dir(planted, tmp_path):
    shutil.copytree(planted, tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def directory(tmp_path):
    (tmp_path / "backups").mkdir()
    return tmp_path / "backups"


def _settings(directory, **more):
    return {"PEIHU_BACKUP__DIRECTORY": str(directory)} | {f"PEIHU_BACKUP__{name.upper()}": one for name, one in more.items()}


def _figure(caller, name):
    found = re.search(rf"^{name} (\S+)$", caller.ask("GET", "/metrics").raw.decode(), re.MULTILINE)
    return None if found is None else float(found[1])


def _degraded(caller):
    return caller.ask("GET", "/readyz").data["degraded"]


def test_a_server_makes_its_backup_and_the_backup_is_good(data_dir, directory, tmp_path):
    key = tmp_path / "key"
    key.write_text("a key file's key of more than thirty-two bytes")
    served = spawn(data_dir, settings=_settings(directory, key_file=str(key)))
    caller = Caller(served.port)
    try:
        (made,) = until(lambda: list(directory.iterdir()) if _is_whole(directory) else None, within_s=_PROMPT_S)
        until(lambda: _figure(caller, "peihu_backup_bytes") == made.stat().st_size, within_s=_PROMPT_S)
        assert 0 <= _figure(caller, "peihu_backup_age_seconds") < _PROMPT_S
        assert _figure(caller, "peihu_backup_every_seconds") == 86_400
        assert "backup" not in _degraded(caller)
    finally:
        caller.close()
        served.stop()
    assert "error" not in (data_dir / "logs" / "peihu.log").read_text()
    assert [path.name for path in directory.iterdir()] == [made.name]
    verified = run("restore", str(made), "--verify", "--key-file", str(key), data_dir=data_dir)
    assert verified.returncode == 0, verified.stderr


def _is_whole(directory):
    return [path for path in directory.iterdir() if re.fullmatch(r"peihu-scheduled-\d{8}T\d{6}Z\.peihu", path.name)]


def test_a_directory_that_is_not_there_is_told_at_start_and_by_readyz(data_dir, tmp_path):
    nowhere = tmp_path / "not mounted"
    served = spawn(data_dir, settings=_settings(nowhere))
    caller = Caller(served.port)
    try:
        assert f"missing: backup.directory: {nowhere} is no directory" in served.printed()
        until(lambda: "backup" in _degraded(caller), within_s=_PROMPT_S, what="degraded")
        assert caller.ask("GET", "/readyz").status == 200
        assert _figure(caller, "peihu_backup_age_seconds") == float("inf")
        assert 'peihu_backups_total{outcome="failed"} 1.0' in caller.ask("GET", "/metrics").raw.decode()
    finally:
        caller.close()
        served.stop()
    assert not nowhere.exists()


def test_a_server_that_is_stopped_in_the_middle_of_it_leaves_nothing_half(data_dir, directory):
    served = spawn(data_dir, settings=_settings(directory))
    until(lambda: list(directory.iterdir()), within_s=_PROMPT_S, what="a draft")
    served.stop()
    assert all(path.name.startswith("peihu-scheduled-") for path in directory.iterdir())


def test_settings_that_cannot_be_are_refused(data_dir, directory):
    for name, value, words in (
        ("every_h", "0", "backup.every_h: "),
        ("keep_daily", "0", "backup.keep_daily: "),
        ("how_often", "1", "PEIHU_BACKUP__HOW_OFTEN (backup.how_often) is not a setting"),
    ):
        done = run("check", data_dir=data_dir, settings=_settings(directory, **{name: value}))
        assert done.returncode == 1 and words in done.stderr
