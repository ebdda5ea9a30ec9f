"""A backup is made when it is due, and only a good one lets old ones go."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.core.clock import shanghai_date
from server.jobs import backups
from server.jobs.backup_shelf import BackupShelf, Rotation, staying
from server.jobs.backups import BackupFailed, ScheduledBackup

NOW = datetime(2026, 11, 23, 4, 5, 6, tzinfo=UTC)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


class Alarm:
    """What administrators would see."""

    def __init__(self):
        self.standing = []

    async def raise_(self, text):
        self.standing = self.standing or [text]

    async def solve(self):
        self.standing = []


class World:
    """A directory, a clock, and what the next attempt comes to."""

    def __init__(self, directory, executor):
        self.now = NOW
        self.outcome = None
        self.alarm = Alarm()
        self.shelf = BackupShelf(directory=directory, rotation=Rotation(daily=3, weekly=2))
        self.backup = ScheduledBackup(
            shelf=self.shelf, make=self.make, alarm=self.alarm, every_s=86_400.0, executor=executor,
            now=lambda: self.now,
        )  # fmt: skip

    async def make(self, path):
        if self.outcome is not None:
            raise self.outcome
        path.write_bytes(b"an archive")

    @property
    def ages(self):
        """In hours, the youngest first."""
        return [(self.now - one.made_at) / _HOUR for one in self.shelf.kept()]


@pytest.fixture
def world(tmp_path):
    with ThreadPoolExecutor(1) as executor:
        yield World(tmp_path, executor)


@pytest.fixture
def no_pause(monkeypatch):
    """What failed is tried again at the next look."""
    monkeypatch.setattr(backups, "_AGAIN_AFTER_S", 0.0)


async def test_the_first_one_is_due_at_once_and_the_next_a_day_later(world):
    assert world.backup.age_s == float("inf") and not world.backup.is_bad
    await world.backup.run_once()
    assert (world.ages, world.backup.age_s, world.backup.size_bytes) == ([0], 0, 10)
    world.now += 23 * _HOUR
    await world.backup.run_once()
    assert world.ages == [23]
    world.now += _HOUR
    await world.backup.run_once()
    assert world.ages == [0, 24]
    assert world.backup.outcomes == {"good": 2}


async def test_whoever_takes_over_sees_when_the_last_one_was(world, tmp_path):
    await world.backup.run_once()
    world.now += _HOUR
    with ThreadPoolExecutor(1) as executor:
        other = World(tmp_path, executor)
        other.now = world.now
        await other.backup.run_once()
        assert (other.ages, other.backup.age_s) == ([1], 3_600)


async def test_one_that_somebody_took_away_is_made_again(world):
    await world.backup.run_once()
    world.shelf.kept()[0].path.unlink()
    await world.backup.run_once()
    assert world.ages == [0]


@pytest.mark.expects_warnings
async def test_a_failure_is_told_keeps_the_old_ones_and_is_tried_again(world, no_pause):
    for _ in range(8):
        await world.backup.run_once()
        world.now += _DAY
    before = world.ages
    world.outcome = BackupFailed("the disk is full")
    for _ in range(2):
        world.now += _DAY
        await world.backup.run_once()
    assert [age - 48 for age in world.ages] == before  # not one of them is gone
    assert (world.backup.is_bad, world.backup.problem) == (True, "the disk is full")
    assert world.backup.outcomes["failed"] == 2
    assert world.alarm.standing == ["the disk is full"]
    world.outcome = None
    await world.backup.run_once()
    assert (world.backup.is_bad, world.alarm.standing) == (False, [])
    assert len(world.ages) < len(before) + 1


@pytest.mark.expects_warnings
async def test_what_failed_is_not_tried_at_every_look(world):
    world.outcome = BackupFailed("no")
    for _ in range(5):
        await world.backup.run_once()
    assert world.backup.outcomes["failed"] == 1


@pytest.mark.expects_warnings
async def test_a_directory_that_is_not_there_is_a_failure_and_is_not_made(world, tmp_path, no_pause):
    """A disk that is not mounted must not be taken for an empty one."""
    tmp_path.rmdir()
    await world.backup.run_once()
    assert world.backup.is_bad and "No such file" in world.alarm.standing[0]
    assert not tmp_path.exists()
    tmp_path.mkdir()
    await world.backup.run_once()
    assert not world.backup.is_bad


@pytest.mark.expects_warnings
async def test_what_another_instance_made_meanwhile_ends_the_trouble(world, no_pause):
    world.outcome = BackupFailed("no")
    await world.backup.run_once()
    world.shelf.path_for(world.now).write_bytes(b"another's")
    await world.backup.run_once()
    assert not world.backup.is_bad


async def test_an_old_one_is_bad_also_without_a_failure(world):
    await world.backup.run_once()
    world.now += 37 * _HOUR
    assert world.backup.is_bad


async def test_drafts_of_the_dead_are_removed_and_nothing_that_is_not_ours(world, tmp_path):
    for name in (".peihu-scheduled-20261122T040506Z.peihu.77.draft", "peihu-20200101T000000Z.peihu", "notes.txt"):
        (tmp_path / name).write_bytes(b"x")
    await world.backup.run_once()
    assert {path.name for path in tmp_path.iterdir()} == {
        "peihu-20200101T000000Z.peihu", "notes.txt", "peihu-scheduled-20261123T040506Z.peihu"
    }  # fmt: skip


def test_days_then_weeks_stay():
    daily = [NOW - number * _DAY for number in range(60)]
    stay = staying(daily, now=NOW, rotation=Rotation(daily=7, weekly=4))
    ages = sorted((NOW - one).days for one in stay)
    assert ages == [0, 1, 2, 3, 4, 5, 6, 8, 15]  # a Monday, and four weeks with their Sundays
    assert [shanghai_date(NOW - age * _DAY).isoweekday() for age in (1, 8, 15)] == [7, 7, 7]


def test_of_the_last_day_all_stay():
    hourly = [NOW - number * _HOUR for number in range(48)]
    stay = staying(hourly, now=NOW, rotation=Rotation(daily=1, weekly=0))
    assert len(stay) == 24


@settings(deadline=None)  # a busy machine is not what is asked for
@given(
    ages_h=st.sets(st.integers(0, 24 * 400), max_size=80),
    daily=st.integers(1, 30), weekly=st.integers(0, 30), later_h=st.integers(0, 24 * 60),
)  # fmt: skip
def test_the_latest_always_stays_and_no_more_than_was_said(ages_h, daily, weekly, later_h):
    made_at = [NOW - hours * _HOUR for hours in ages_h]
    now, rotation = NOW + later_h * _HOUR, Rotation(daily=daily, weekly=weekly)
    stay = staying(made_at, now=now, rotation=rotation)
    assert stay <= set(made_at)
    assert not made_at or max(made_at) in stay
    assert len([one for one in stay if one <= now - _DAY]) <= daily + weekly
    assert staying(stay, now=now, rotation=rotation) == stay  # a second time takes nothing more
