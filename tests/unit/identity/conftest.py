"""The identity area on a fresh store."""
import pytest

from tests.accounts import Identity


@pytest.fixture
def identity(database):
    identity = Identity(database)
    yield identity
    identity.passwords.close()
