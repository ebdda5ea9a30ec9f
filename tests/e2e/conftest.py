"""Servers and callers for the tests of this folder."""
from collections.abc import Iterator

import pytest

from tests.e2e.caller import Caller
from tests.e2e.people import People
from tests.e2e.server import Served, planted, served, world
from tests.e2e.ward import ward

__all__ = ["planted", "served", "ward", "world"]


@pytest.fixture(scope="module")
def caller(served: Served) -> Iterator[Caller]:
    caller = Caller(served.port)
    yield caller
    caller.close()


@pytest.fixture(scope="module")
def people(caller: Caller) -> People:
    return People(caller)
