"""Phones with the mini program, and a server for them among its providers."""
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.caller import Caller
from tests.e2e.people import People
from tests.e2e.server import Served, planted, serving, world
from tests.fakes.wechat import MINI, MINI_SECRET, FakeWeChat
from tests.mini.built import mini_program
from tests.mini.phone import Phone

__all__ = ["planted", "world"]


@pytest.fixture(scope="module")
def mini() -> tuple[str, Path]:
    """Node, and the compiled mini program."""
    return mini_program()


@pytest.fixture(scope="module")
def wechat() -> Iterator[FakeWeChat]:
    with FakeWeChat() as running:
        yield running


@pytest.fixture(scope="module")
def served(mini: tuple[str, Path], world: Path, wechat: FakeWeChat) -> Iterator[Served]:
    of_mini = {"API_URL": wechat.url, "MINI_APP_ID": MINI, "MINI_SECRET": MINI_SECRET}
    with serving(world, settings={f"PEIHU_WECHAT__{name}": value for name, value in of_mini.items()}) as running:
        yield running


@pytest.fixture(scope="module")
def people(served: Served) -> Iterator[People]:
    caller = Caller(served.port)
    yield People(caller)
    caller.close()


@pytest.fixture
def phone(mini: tuple[str, Path], served: Served, tmp_path: Path) -> Iterator[Callable[[], Phone]]:
    """`phone()` starts one more; at the end each is asked for what went wrong in it."""
    started: list[Phone] = []

    def start() -> Phone:
        node, root = mini
        started.append(Phone(node, root, port=served.port, folder=tmp_path))
        return started[-1]

    yield start
    for one in started:
        one.close()
