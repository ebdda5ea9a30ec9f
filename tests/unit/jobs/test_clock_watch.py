"""A clock that disagrees with the database's is told of, and in time it takes the instance out of service."""

import logging

import pytest

from server.jobs.clock_watch import ClockWatch


def watching(*skews_s):
    told = iter(skews_s)

    async def ask():
        return next(told)

    return ClockWatch(ask=ask)


@pytest.mark.parametrize(
    ("skew_s", "is_off", "is_far_off"),
    [(0.0, False, False), (4.9, False, False), (-5.0, True, False), (29.9, True, False), (-31.0, True, True)],
)
@pytest.mark.expects_warnings
async def test_the_difference_decides(skew_s, is_off, is_far_off):
    watch = watching(skew_s)
    assert await watch.run_once() == skew_s
    assert (watch.is_off, watch.is_far_off) == (is_off, is_far_off)


@pytest.mark.expects_warnings
async def test_it_is_told_once_when_it_begins(caplog):
    watch = watching(6.0, 7.0, 0.1, -8.0)
    for _ in range(4):
        await watch.run_once()
    told = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert told == [
        "the clock is off by 6.0 s from the database's",
        "the clock is off by -8.0 s from the database's",
    ]


@pytest.mark.expects_warnings
async def test_readyz_says_so(stage, monkeypatch):
    product = stage.product
    for skew_s, failing, degraded in ((0.5, (), ()), (-6.0, (), ("clock",)), (40.0, ("clock",), ())):
        monkeypatch.setattr(product.clock_watch, "_ask", watching(skew_s)._ask)
        await product.clock_watch.run_once()
        now = await product.probe.ready()
        assert (now.failing, now.degraded) == (failing, degraded)
