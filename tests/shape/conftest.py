"""What the shape tests of one file share."""

import gc

import pytest

from tests.shape.source import module


@pytest.fixture(scope="module", autouse=True)
def each_file_is_read_once():
    """And forgotten afterwards: the trees of all files together are large.

    To look through them for garbage again and again took four fifths of the time.
    """
    gc.disable()
    yield
    module.cache_clear()
    gc.enable()
