"""The roster area on a real store."""
from concurrent.futures import ThreadPoolExecutor

import pytest

from server.storage.files.disk import DiskFiles
from tests.unit.roster.stage import Roster


@pytest.fixture
def executor():
    with ThreadPoolExecutor(2) as executor:
        yield executor


@pytest.fixture
def files_directory(tmp_path):
    return tmp_path / "files"


@pytest.fixture
def roster(database, units, facts, files_directory, executor):
    return Roster(database, units, facts, DiskFiles(directory=files_directory, executor=executor), executor)
