"""Whether everything must run, or what lacks a thing is left out."""

import os
from typing import NoReturn

import pytest


def everything_must_run() -> bool:
    """True with `run.py test --services`, and so in every clean build."""
    return os.environ.get("PEIHU_TEST_SERVICES") == "1"


def leave_out(reason: str) -> NoReturn:
    """Skip the test that asks; where everything must run it fails."""
    if everything_must_run():
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
