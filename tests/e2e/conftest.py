"""Servers and callers for the tests of this folder."""
from collections.abc import Iterator

import pytest

from tests.e2e.caller import Caller
from tests.e2e.node import node
from tests.e2e.people import People, log_in, register
from tests.e2e.server import ADMIN_PASSWORD, Served, make_administrator, planted, served, world
from tests.e2e.targets import Crowd, Target, targets
from tests.e2e.ward import ward

__all__ = ["node", "planted", "served", "ward", "world"]


@pytest.fixture(scope="module")
def caller(served: Served) -> Iterator[Caller]:
    caller = Caller(served.port)
    yield caller
    caller.close()


@pytest.fixture(scope="module")
def people(caller: Caller) -> People:
    return People(caller)


@pytest.fixture(scope="session")
def every_target(tmp_path_factory: pytest.TempPathFactory) -> list[Target]:
    return targets(tmp_path_factory.mktemp("targets"))


@pytest.fixture(scope="module")
def crowd(people: People, served: Served) -> Crowd:
    """All demo accounts, and a few more families and administrators, so that nobody asks too often."""
    more = [register(people.caller, f"1397000{number:04d}") for number in range(5)]
    for number in range(6):
        phone = f"1397100{number:04d}"
        make_administrator(served.data_dir, phone)
        more.append(log_in(people.caller, phone, ADMIN_PASSWORD))
    everybody = [person for kind in ("patient", "caregiver", "admin") for person in people.all_of(kind)]
    return Crowd(everybody + more, service_key=(served.data_dir / "service_key").read_text().strip())
