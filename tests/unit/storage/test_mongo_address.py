"""URLs of MongoDB that cannot be meant are told at start."""

import pytest

from config.load import load_settings
from server.outside import CannotOpen, open_mongo


@pytest.fixture
def opened(tmp_path):
    def open_it(url, **limits):
        names = {f"PEIHU_MONGO__{name.upper()}": str(value) for name, value in limits.items()}
        return open_mongo(load_settings(None, {"PEIHU_DATA_DIR": str(tmp_path), "PEIHU_MONGO_URL": url, **names}))

    return open_it


def test_without_a_url_documents_live_in_the_sql_database(opened):
    assert opened("") is None


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("nonsense", "expected mongodb://"),
        ("mysql+aiomysql://u:secret@h/p", "expected mongodb://"),
        ("mongodb+srv://u:secret@h/p", "all hosts of a replica set"),
        ("mongodb://", "is not a URL of MongoDB"),
        ("mongodb:///peihu", "Empty host"),
        ("mongodb://host:port/peihu", "Port"),
        ("mongodb://u:secret@host:port/peihu", "special characters"),
        ("mongodb://u:se/cret@host/peihu", "special characters"),
        ("mongodb://host", "has no name of a database"),
        ("mongodb://host/", "has no name of a database"),
        ("mongodb://host/peihu.collection", "has no name of a database"),
        ("mongodb://u:secret@host/peihu?w=1&tls=true", "leave out ?tls&w"),
        ("mongodb://u:secret@host/peihu?tlsInsecure=true", "tlsInsecure; TLS and deadlines are settings"),
    ],
)
def test_a_url_that_cannot_be_meant(opened, url, says):
    with pytest.raises(CannotOpen) as told:
        opened(url)
    assert str(told.value).startswith("PEIHU_MONGO_URL ")
    assert says in str(told.value)
    assert "cret" not in str(told.value)


def test_a_replica_set_and_where_to_log_in_may_be_named(opened):
    mongo = opened("mongodb://u:secret@one:1,two/peihu?replicaSet=rs&authSource=admin")
    assert mongo.address.place == "mongodb://one:1,two:27017/peihu"
    assert mongo.address.database == "peihu"


def test_a_file_that_is_no_authority_is_told_before_anybody_is_asked(opened, tmp_path):
    (tmp_path / "empty.pem").write_text("")
    for name in ("empty.pem", "nowhere.pem"):
        with pytest.raises(CannotOpen, match="mongo.tls_ca_file"):
            opened("mongodb://host/peihu", tls_ca_file=tmp_path / name)
