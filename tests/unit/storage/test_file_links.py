"""A signed address opens one file for five minutes."""
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from server.storage.files.links import FileLinks

NOW = datetime(2026, 11, 23, 2, 30, tzinfo=UTC)
LINKS = FileLinks(secret="s" * 32)


def parts(address):
    split = urlsplit(address)
    query = {name: values[0] for name, values in parse_qs(split.query).items()}
    return split.path.rpartition("/")[2], query


def test_an_address_is_relative_and_runs_five_minutes():
    address = LINKS.sign("abc", now=NOW)
    file_id, query = parts(address)
    assert address.startswith("/api/file/abc?") and file_id == "abc"
    assert int(query["expires"]) == NOW.timestamp() + 300
    assert LINKS.check(file_id, **query, now=NOW + timedelta(minutes=5))
    assert not LINKS.check(file_id, **query, now=NOW + timedelta(minutes=5, seconds=1))


@pytest.mark.parametrize(
    "bent",
    [
        {"file_id": "abd"},
        {"expires": "9999999999"},
        {"expires": "１７６４"},
        {"expires": ""},
        {"expires": "-1"},
        {"signature": ""},
        {"signature": "é"},
        {"signature": "A" * 43},
    ],
)
def test_nothing_of_it_can_be_changed(bent):
    file_id, query = parts(LINKS.sign("abc", now=NOW))
    whole = {"file_id": file_id, **query, "now": NOW}
    assert LINKS.check(**whole)
    assert not LINKS.check(**(whole | bent))


def test_another_secret_makes_other_signatures():
    file_id, query = parts(FileLinks(secret="t" * 32).sign("abc", now=NOW))
    assert not LINKS.check(file_id, **query, now=NOW)


def test_no_file_has_no_address():
    assert LINKS.url(None) is None
