"""Where everything must run, a skipped test is a failed test."""

import pytest

from tests.services.demand import everything_must_run


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport():
    return _judged((yield))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report():
    return _judged((yield))


def _judged(report):
    is_expected_failure = hasattr(report, "wasxfail")  # it did run
    if everything_must_run() and report.skipped and not is_expected_failure:
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"nothing is skipped with --services, and this was. {why}"
    return report
