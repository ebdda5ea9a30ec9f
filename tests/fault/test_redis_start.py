"""Redis as people set it up: over TLS, behind a password, with few rights; and as they do not."""

import pytest

from config.settings import Settings
from server.core.errors import Unavailable
from server.core.ids import new_id
from server.outside import CannotOpen, open_bus, open_redis
from tests.buses import Instance, heard, started
from tests.cluster.nginx import make_certificate
from tests.fault.server_process import pass_by, until
from tests.services.demand import everything_must_run, leave_out
from tests.services.redis import Redis
from tests.services.redis_groups import Node
from tests.services.redis_tls import TlsNode, TlsRedis, TlsSentinel

pytestmark = pytest.mark.services

# What docs/operations.md tells operators to give.
RIGHTS = "resetkeys resetchannels ~peihu:* &peihu:* -@all +@read +@write +@pubsub +@scripting +@connection -@dangerous"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    if not everything_must_run():
        leave_out("needs servers of its own: python3 run.py test --services")
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def run_server(authority):
    """`run_server(server)`: started, and gone at the end."""
    running = []

    def start(server):
        running.append(server)
        server.start()
        return server

    yield start
    for server in running:
        server.remove()


@pytest.fixture(scope="module")
def encrypted(run_server, authority):
    return run_server(TlsRedis(authority.parent))


@pytest.fixture
def join(io_loop):
    """`join(url, **redis settings)`: an instance as the product opens it."""
    opened = []

    def joining(url, **section):
        settings = Settings.model_validate({"redis_url": url, "redis": {k: str(v) for k, v in section.items()}})
        link = open_redis(settings)
        opened.append(Instance(open_bus(settings, redis=link, instance_id=new_id()), link=link))
        return opened[-1]

    yield joining
    for instance in opened:
        io_loop.asyncio_loop.run_until_complete(instance.close())


async def _answer(instance):
    desk = instance.link.desk("test", within_s=5.0)
    await desk.ask(lambda redis: redis.set("peihu:test", "there"))
    return await desk.ask(lambda redis: redis.get("peihu:test"))


async def _is_refused(instance):
    """By everything that asks; and it goes on trying."""
    instance.bus.start()
    await until(lambda: instance.bus.counts["reconnects"] >= 2, within_s=10, what="it is tried again")
    with pytest.raises(Unavailable):
        await _answer(instance)
    assert instance.bus.state == "away"


async def test_with_its_authority_redis_is_spoken_to_over_tls(join, authority, encrypted):
    url = f"rediss://localhost:{encrypted.tls_port}/0"
    here, there = (join(url, tls_ca_file=authority) for _ in range(2))
    await started(here, there)
    await heard(here, there)
    assert await _answer(here) == b"there"


async def test_a_certificate_of_another_authority_is_not_trusted(join, encrypted, tmp_path):
    url = f"rediss://localhost:{encrypted.tls_port}/0"
    await _is_refused(join(url, tls_ca_file=make_certificate(tmp_path)))
    await _is_refused(join(url))  # nor is it by the system


async def test_a_certificate_for_another_name_is_refused_unless_names_do_not_matter(join, authority, encrypted):
    url = f"rediss://127.1:{encrypted.tls_port}/0"
    await _is_refused(join(url, tls_ca_file=authority))
    careless = join(url, tls_ca_file=authority, tls_verify_host=False)
    await started(careless)


async def test_a_server_without_tls_is_told_nothing_when_tls_was_asked_for(join, authority, encrypted):
    await _is_refused(join(f"rediss://:secret@localhost:{encrypted.port}/0", tls_ca_file=authority))


async def test_a_server_that_asks_for_a_certificate_gets_ours(join, authority, run_server):
    careful = run_server(TlsRedis(authority.parent, asks_for_certificate=True))
    url = f"rediss://localhost:{careful.tls_port}/0"
    await _is_refused(join(url, tls_ca_file=authority))
    both = authority.parent / "ours.pem"
    both.write_text((authority.parent / "server.pem").read_text() + (authority.parent / "key.pem").read_text())
    here = join(url, tls_ca_file=authority, tls_certificate_file=both)
    await started(here)
    assert await _answer(here) == b"there"


async def test_sentinels_are_asked_over_tls_too(join, authority, encrypted, run_server):
    sentinel = run_server(TlsSentinel(authority.parent, encrypted))
    url = f"rediss+sentinel://localhost:{sentinel.tls_port}/main/0"
    here, there = (join(url, tls_ca_file=authority) for _ in range(2))
    await started(here, there)
    await heard(here, there)
    assert await _answer(here) == b"there"
    await _is_refused(join(url))


async def test_the_nodes_of_a_cluster_are_spoken_to_over_tls(join, authority, run_server):
    node = run_server(TlsNode(authority.parent))
    url = f"rediss+cluster://localhost:{node.tls_port}"
    here, there = (join(url, tls_ca_file=authority) for _ in range(2))
    await started(here, there)
    await heard(here, there)
    assert await _answer(here) == b"there"


async def test_a_user_with_the_rights_that_the_page_names_can_do_everything(join, run_server):
    guarded = run_server(Redis())
    assert guarded.ask("ACL", "SETUSER", "peihu", "on", ">s%40cret", *RIGHTS.split()) == "OK"
    assert guarded.ask("ACL", "SETUSER", "default", "off") == "OK"
    here, there = (join(f"redis://peihu:s%2540cret@127.0.0.1:{guarded.port}/0") for _ in range(2))
    await started(here, there)
    await heard(here, there)
    assert await _answer(here) == b"there"
    for url in (f"redis://peihu:wrong@127.0.0.1:{guarded.port}/0", f"redis://127.0.0.1:{guarded.port}/0"):
        await _is_refused(join(url))


async def test_in_a_cluster_the_user_needs_one_right_more(join, run_server):
    node = run_server(Node())
    assert node.ask("CLUSTER", "ADDSLOTSRANGE", "0", "16383") == "OK"
    assert node.ask("ACL", "SETUSER", "peihu", "on", ">secret", *RIGHTS.split()) == "OK"
    url = f"redis+cluster://peihu:secret@127.0.0.1:{node.port}"
    with pytest.raises(Unavailable):
        await _answer(join(url))
    assert node.ask("ACL", "SETUSER", "peihu", "+cluster|slots") == "OK"
    here, there = join(url), join(url)
    await started(here, there)
    await heard(here, there)
    assert await _answer(here) == b"there"


async def test_without_the_right_to_hear_an_instance_is_deaf_and_says_so(join, run_server):
    guarded = run_server(Redis())
    rights = RIGHTS.replace("+@pubsub", "+publish").split()
    assert guarded.ask("ACL", "SETUSER", "peihu", "on", ">secret", *rights) == "OK"
    here = join(f"redis://peihu:secret@127.0.0.1:{guarded.port}/0")
    here.bus.start()
    await until(lambda: here.bus.state == "deaf", within_s=8.0, what="it notices")


async def test_no_secret_reaches_the_log(join, caplog, encrypted):
    caplog.set_level("DEBUG")
    for url in (
        "redis://user:hush-hush@127.0.0.1:1/0",
        "redis+sentinel://user:hush-hush@127.0.0.1:1/main/0",
        "redis+cluster://user:hush-hush@127.0.0.1:1",
        f"redis://user:hush-hush@127.0.0.1:{encrypted.port}/0",
    ):
        here = join(url, sentinel_password="hush-hush")
        here.bus.start()
        with pytest.raises(Unavailable):
            await _answer(here)
    await pass_by(1.0)
    assert "Redis does not answer" in caplog.text and "hush" not in caplog.text


def test_a_url_with_a_mistake_is_one_sentence_at_start():
    for url in ("redis//h", "redis://h:70000", "redis://h/x", "redis+cluster://h/3"):
        with pytest.raises(CannotOpen, match="PEIHU_REDIS_URL cannot be used: "):
            open_redis(Settings(redis_url=url))
