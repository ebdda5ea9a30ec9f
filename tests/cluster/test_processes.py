"""Two real processes on one port, one store and one bus: killed, rolled and drained under load."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from sqlalchemy.engine import make_url
from tornado.httpclient import AsyncHTTPClient
from tornado.websocket import websocket_connect

from tests.cluster.processes import ProcessFamily
from tests.fault.checker import check_history, check_log, check_store
from tests.fault.crowd import Crowd
from tests.fault.history import read_history
from tests.fault.market import business_now, open_market, quarter_after
from tests.fault.people import Site
from tests.fault.rest import come_to_rest
from tests.fault.server_process import ROOT, free_port, pass_by, until
from tests.fault.store import order_ids
from tests.services.rooms import shared_server
from tests.services.stores import drop_database, new_database

_SHOWN_OUT_WITHIN_S = 2.0
_ENDS_WITHIN_S = 20.0
_CLOCK_IS_HEARD_WITHIN_S = 1.5  # every process looks twice a second


@pytest.fixture
def two(redis_url, planted_dir, tmp_path):
    """Two processes that are starting."""
    data_dir = tmp_path / "data"
    shutil.copytree(planted_dir, data_dir)
    log = tmp_path / "server.log"
    family = ProcessFamily(data_dir, port=free_port(), log=log, redis_url=redis_url, processes=2)
    family.start()
    yield family
    _end(family)


@pytest.fixture
def two_on_mysql(redis_url, tmp_path):
    """The same over an empty MySQL."""
    server = make_url(shared_server("PEIHU_TEST_MYSQL_URL", "MySQL or MariaDB"))
    url = new_database(server, f"processes_{os.getpid()}")
    family = ProcessFamily(
        tmp_path / "data", port=free_port(), log=tmp_path / "server.log", redis_url=redis_url, processes=2,
        database_url=url.render_as_string(hide_password=False),
    )  # fmt: skip
    family.start()
    yield family
    _end(family)
    drop_database(url)


def _end(family):
    for pid in family.children if family.exit_code is None else []:
        os.kill(pid, signal.SIGKILL)
    family.put_away()


async def open_visits(crowd, market):
    """As `Crowd.open_visits`, for processes that hear of a moved clock half a second later."""
    start_at = quarter_after(await business_now(market.site), ahead=timedelta(minutes=65))
    for family, caregiver in zip(market.families, market.caregivers, strict=False):
        order_id = await crowd._book(family, start_at=start_at, caregiver_id=caregiver.caregiver_id)
        offer_id = await market.offer_to(caregiver, order_id)
        assert (await caregiver.person.do("order.accept", {"offer_id": offer_id})).is_ok
        crowd.visits.append((family, caregiver, order_id))
    await business_now(market.site, advance_s=55 * 60)
    await pass_by(_CLOCK_IS_HEARD_WITHIN_S)
    for family, caregiver, order_id in crowd.visits:
        assert (await market.start_visit(family, caregiver, order_id)).is_ok
        family.person.live.follow(f"order:{order_id}")
        caregiver.person.live.follow(f"order:{order_id}")


@pytest.mark.slow
@pytest.mark.services
async def test_rolling_and_killing_processes_under_load_loses_nothing(two, history, tmp_path, planted_dir):
    await two.serves()
    before = two.children
    market = await open_market(Site(two.url), history)
    crowd = Crowd(market, seed=5)
    try:
        await market.go_live()
        await open_visits(crowd, market)
        crowd.begin()
        await two.roll(times=1)
        assert not set(before) & set(two.children), "both are new"
        os.kill(two.children[0], signal.SIGKILL)
        await two.said("ended with -9")
        await until(lambda: len(two.children) == 2, within_s=30.0, what="two processes again")
        await two.roll(times=2)
        await crowd.end()
        await crowd.close_visits()
        await come_to_rest(two.store, market.connections)
    finally:
        await market.close()
    two.signal(signal.SIGTERM)
    assert await two.ended(within_s=_ENDS_WITHIN_S) == 0
    history.close()
    records = read_history(tmp_path / "history.jsonl")
    problems = check_store(two.store, planted=order_ids(planted_dir / "peihu.db")) + check_history(two.store, records)
    assert problems + check_log(two.printed()) == []
    operations = [record for record in records if record["kind"] == "op"]
    again = [one for one in operations if one["attempts"] > 1 and one["outcome"] == "ok"]
    print({"operations": len(operations), "ok after a lost answer": len(again)})
    assert len(operations) > 100 and again, "nobody was cut off: the test shows nothing"


@pytest.mark.services
async def test_what_is_done_at_one_process_is_heard_and_obeyed_at_the_other(two, history):
    await two.serves()
    site = Site(two.url)
    accounts = await site.data("GET", "/sandbox/accounts")
    site.close()
    account = next(one for one in accounts if one["user_type"] == "patient")
    assert await _logged_out_s(two, account) < _SHOWN_OUT_WITHIN_S


@pytest.mark.slow
@pytest.mark.services
async def test_two_processes_over_mysql_and_redis_share_the_work_and_are_rolled(two_on_mysql):
    two = two_on_mysql
    await two.serves()
    account = {"phone": "13800000001", "password": "an administrator's"}
    made = await asyncio.to_thread(two.run, "admin", "create", "--username", "值班", *words_of(account))
    assert made.returncode == 0, made.stderr
    for times in (1, 2):
        for port in two.admin_ports:
            await until(lambda port=port: _is_well(port), within_s=_ENDS_WITHIN_S, what=f"{port} is well")
        first, second = [await _held(port) for port in two.admin_ports]
        assert "orders" in first | second and not first & second, "each job is one process's"
        await _logged_out_s(two, account)
        if times == 1:
            before = two.children
            await two.roll(times=times)
            assert not set(before) & set(two.children), "both are new"
    two.signal(signal.SIGTERM)
    assert await two.ended(within_s=_ENDS_WITHIN_S) == 0
    assert check_log(two.printed()) == []


def words_of(account):
    return [word for name, text in account.items() for word in (f"--{name}", text)]


async def _logged_out_s(two, account):
    """Sockets at both processes end with a logout at one of them; the seconds that took."""
    site = Site(two.url)
    body = {"phone": account["phone"], "password": account["password"]}
    token = (await site.data("POST", "/api/user/login", body=body))["token"]
    sockets = [await _socket(two, token) for _ in range(12)]
    counts = [await _metric(port, "peihu_ws_connections") for port in two.admin_ports]
    assert sum(counts) == 12 and 0 not in counts, counts
    begun = time.monotonic()
    assert (await site.call("POST", "/api/user/logout", token=token)).is_ok
    await asyncio.gather(*(_end_of(socket) for socket in sockets))
    took_s = time.monotonic() - begun
    assert {socket.close_code for socket in sockets} == {3503}
    for socket in sockets:
        socket.close()
    site.close()
    return took_s


async def _is_well(port):
    answer = await AsyncHTTPClient(force_instance=True).fetch(f"http://127.0.0.1:{port}/readyz", raise_error=False)
    return (answer.code, json.loads(answer.body)["data"]) == (200, {"failing": [], "degraded": []})


async def _socket(two, token):
    """Connected and greeted."""
    socket = await websocket_connect(two.url.replace("http", "ws", 1) + "/connection/websocket")
    await socket.write_message(json.dumps({"id": 1, "connect": {"token": token}}))
    assert "connect" in json.loads(await socket.read_message())
    return socket


async def _end_of(socket):
    while await socket.read_message() is not None:
        pass


async def _metric(port, name):
    answer = await AsyncHTTPClient(force_instance=True).fetch(f"http://127.0.0.1:{port}/metrics")
    [line] = [line for line in answer.body.decode().splitlines() if line.startswith(f"{name} ")]
    return float(line.split()[1])


@pytest.mark.services
async def test_the_jobs_of_a_stopped_process_are_done_by_the_other_and_it_does_no_harm_afterwards(two, history):
    await two.serves()

    async def holders():
        held = [await _held(port) for port in two.admin_ports]
        return [number for number, jobs in enumerate(held) if "orders" in jobs]

    await until(holders, within_s=20.0, what="somebody holds the lease")
    [first] = await holders()
    paused = two.children[first]
    os.kill(paused, signal.SIGSTOP)

    async def inherited():
        return "orders" in await _held(two.admin_ports[1 - first])

    try:
        await until(inherited, within_s=20.0, what="the other took over")
    finally:
        os.kill(paused, signal.SIGCONT)

    async def only_one():
        return await holders() == [1 - first]

    await until(only_one, within_s=20.0, what="the one that was stopped knows that it lost them")
    assert check_log(two.printed()) == []


async def _held(port):
    answer = await AsyncHTTPClient(force_instance=True).fetch(f"http://127.0.0.1:{port}/metrics")
    lines = answer.body.decode().splitlines()
    return {line.split('"')[1] for line in lines if line.startswith("peihu_leases_held{")}


@pytest.mark.services
async def test_processes_end_when_their_parent_is_killed(two):
    await two.serves()
    children = two.children
    two.kill()

    def all_gone():
        return not any(os.path.exists(f"/proc/{pid}") for pid in children)

    await until(all_gone, within_s=_ENDS_WITHIN_S, what="the processes end with their parent")


def refused(tmp_path, *arguments, **environment):
    """Exit code and the last line of a server that does not start."""
    own = {name: text for name, text in os.environ.items() if not name.startswith("PEIHU_")}
    own |= {"PEIHU_DATA_DIR": str(tmp_path / "data")} | {f"PEIHU_{name}": text for name, text in environment.items()}
    command = [sys.executable, "run.py", "serve", "--port", str(free_port()), *arguments]
    ended = subprocess.run(command, cwd=ROOT, env=own, capture_output=True, text=True, timeout=60)
    assert "Traceback" not in ended.stderr, ended.stderr
    return ended.returncode, ended.stderr.strip()


def test_several_processes_without_redis_are_refused(tmp_path):
    code, said = refused(tmp_path, "--processes", "2")
    assert code == 1 and said.startswith("2 processes: PEIHU_REDIS_URL is needed") and "\n" not in said


def test_a_part_alone_without_redis_is_refused(tmp_path):
    code, said = refused(tmp_path, "--roles", "api")
    assert code == 1 and said.startswith("--roles api: PEIHU_REDIS_URL is needed") and "\n" not in said


def test_a_part_that_could_not_take_a_providers_answer_is_refused(tmp_path):
    code, said = refused(tmp_path, "--roles", "ws,jobs", REDIS_URL="redis://127.0.0.1:1/0")
    assert code == 1 and "PEIHU_HTTP__PUBLIC_URL is needed" in said and "\n" not in said


def test_a_part_that_does_not_exist_is_refused(tmp_path):
    code, said = refused(tmp_path, "--roles", "api,sockets")
    assert code == 1 and said == "--roles api,sockets: give some of api,ws,jobs"


def test_an_instance_with_other_secrets_is_refused_with_exit_code_2(planted_dir, tmp_path):
    shutil.copytree(planted_dir, tmp_path / "first")
    store = f"sqlite+aiosqlite:///{tmp_path / 'first' / 'peihu.db'}"
    first = subprocess.run(
        [sys.executable, "run.py", "check", "--exchange"], cwd=ROOT, capture_output=True, text=True,
        env={"PATH": "", "PEIHU_DATA_DIR": str(tmp_path / "first")},
    )  # fmt: skip
    assert first.returncode == 0, first.stderr
    code, said = refused(tmp_path, DATABASE_URL=store, JWT_SECRET="x" * 40)
    assert code == 2 and "PEIHU_JWT_SECRET" in said and "\n" not in said
