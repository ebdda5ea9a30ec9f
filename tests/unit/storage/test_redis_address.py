"""What is said about where Redis is: read exactly, or refused with a reason that keeps the password to itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import Settings
from server.outside import CannotOpen, open_redis
from server.storage.redis.address import RedisAddress, parse_address

HOSTS = (("a", 26379), ("b", 7000), ("::1", 26379))


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://h", RedisAddress("single", False, (("h", 6379),))),
        ("redis://h:1/", RedisAddress("single", False, (("h", 1),))),
        ("rediss://:p%40%2F%3A@h:1/7", RedisAddress("single", True, (("h", 1),), database=7, password="p@/:")),
        ("redis://u:p:q@[::1]:1/0", RedisAddress("single", False, (("::1", 1),), username="u", password="p:q")),
        ("redis+sentinel://a,b:7000,[::1]/main", RedisAddress("sentinel", False, HOSTS, service="main")),
        (
            "rediss+sentinel://u:p@a/main.1/3",
            RedisAddress("sentinel", True, HOSTS[:1], service="main.1", database=3, username="u", password="p"),
        ),
        ("redis+cluster://a:1,b:2/0", RedisAddress("cluster", False, (("a", 1), ("b", 2)))),
        ("REDIS+CLUSTER://a", RedisAddress("cluster", False, (("a", 6379),))),
    ],
)
def test_every_form_of_an_address_is_read(url, address):
    assert parse_address(url) == address


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("", "must begin with"),
        ("http://h", "must begin with"),
        ("redis:h", "must begin with"),
        ("redis+other://h", "must begin with"),
        ("unix:///run/redis.sock", "must begin with"),
        ("redis://", "no host"),
        ("redis://h:", "no host"),
        ("redis://h:0", "no number up to 65535"),
        ("redis://h:65536", "no number up to 65535"),
        ("redis://h:٣", "no host"),
        ("redis://h o", "no host"),
        ("redis://[::1", "no URL"),
        ("redis://a,b", "several hosts"),
        ("redis+cluster://a,", "no host"),
        ("redis://u@h", "user:password"),
        ("redis://:@h", "user:password"),
        ("redis://h/x", "number of a database"),
        ("redis://h/-1", "number of a database"),
        ("redis://h/1/2", "number of a database"),
        ("redis+sentinel://h", "Sentinels' service"),
        ("redis+sentinel://h/main/x", "number of a database"),
        ("redis+sentinel://h/a%20b", "Sentinels' service"),
        ("redis+cluster://h/1", "database 0"),
        ("redis://h/0?ssl_cert_reqs=none", "nothing follows the path"),
        ("redis://:secret#1@h", "nothing follows the path"),
        ("redis://:secret?1@h", "nothing follows the path"),
        ("redis://:sec/ret@h", "no host"),
    ],
)
def test_what_is_no_address_is_refused_at_start_in_one_sentence_without_the_password(url, told):
    with pytest.raises(ValueError, match=told) as refused:
        parse_address(url)
    assert "secret" not in str(refused.value) and "sec/ret" not in str(refused.value)
    if url:
        with pytest.raises(CannotOpen, match="PEIHU_REDIS_URL cannot be used: ") as refused:
            open_redis(Settings(redis_url=url))
        assert "\n" not in str(refused.value) and "secret" not in str(refused.value)


@given(st.text())
def test_no_text_makes_the_reader_fail_otherwise(text):
    for url in (text, f"redis://{text}", f"redis+sentinel://{text}"):
        try:
            parse_address(url)
        except ValueError as refused:
            assert type(refused) is ValueError


@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_any_password_can_be_written(password):
    quoted = "".join(f"%{byte:02X}" for byte in password.encode())
    address = parse_address(f"redis://:{quoted}@h")
    assert address.password == password
    assert repr(address) == repr(parse_address("redis://:another@h")), "who prints it learns nothing of the password"


def test_without_a_url_there_is_no_redis_and_a_secret_is_not_shown():
    assert open_redis(Settings()) is None
    assert "hush" not in repr(Settings(redis_url="redis://:hush@h"))


@pytest.mark.parametrize(
    ("url", "section", "told"),
    [
        ("redis://h", {"tls_ca_file": "system"}, "redis.tls_ca_file is set, but PEIHU_REDIS_URL says redis"),
        ("redis+cluster://h", {"tls_certificate_file": "x"}, "redis.tls_certificate_file is set"),
        ("rediss://h", {"tls_ca_file": "/nowhere"}, "redis.tls_ca_file: /nowhere cannot be used"),
        ("rediss+sentinel://h/main", {"tls_certificate_file": "/nowhere"}, "must hold a certificate and its key"),
    ],
)
def test_trust_that_cannot_be_had_is_refused_at_start(url, section, told):
    with pytest.raises(CannotOpen, match=told):
        open_redis(Settings.model_validate({"redis_url": url, "redis": section}))
