"""Links to Redis as tests need them, and keys of one test alone."""
import secrets

import pytest

from server.storage.redis.address import parse_address
from server.storage.redis.link import RedisLink

PATIENT_S = 5.0  # a desk's deadline where the deadline is not what is tested: machines that test are busy


@pytest.fixture
def key_prefix():
    """Keys of this test alone."""
    return f"test:{secrets.token_hex(8)}:"


@pytest.fixture
def open_link(io_loop):
    """`open_link(url)`: a link of its own, as each process has; closed when the test ends."""
    opened = []

    def opening(url):
        opened.append(RedisLink(parse_address(url)))
        return opened[-1]

    yield opening
    for link in opened:
        io_loop.asyncio_loop.run_until_complete(link.close())
