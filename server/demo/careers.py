"""A caregiver's past and self-portrait in words.

Pure functions of a random generator; dates are whole months, the newest period first and open-ended.
"""
from dataclasses import dataclass
from datetime import date
from random import Random

from server.demo.words.phrases import BIO_MANNERS, BIO_OPENINGS, BIO_STRENGTHS, WORKPLACES


@dataclass(frozen=True, slots=True)
class WorkPeriod:
    """One position; the first days of its months, `to` is None while it lasts."""

    since: date
    to: date | None
    employer: str
    role: str


def months_before(day: date, months: int) -> date:
    """The first day of the month that lies `months` months before a day's month."""
    number = day.year * 12 + day.month - 1 - months
    return date(number // 12, number % 12 + 1, 1)


def draw_work_history(rng: Random, *, experience_years: int, today: date) -> tuple[WorkPeriod, ...]:
    """One to three positions without gaps that add up to the years of experience."""
    months = experience_years * 12 + rng.randint(0, 5)
    stations = 1 if experience_years < 3 else rng.randint(1, 3)
    borders = sorted(rng.sample(range(6, max(months, 7 + stations)), stations - 1)) if stations > 1 else []
    places = rng.sample(WORKPLACES, stations)
    periods, newer = [], None
    for (employer, role), older in zip(places, [*borders, months], strict=True):
        since = months_before(today, older)
        periods.append(WorkPeriod(since=since, to=newer, employer=employer, role=role))
        newer = since
    return tuple(periods)


def draw_bio(rng: Random, *, experience_years: int, skill_names: list[str], district_name: str) -> str:
    """Three sentences: experience, strengths, manners."""
    opening = rng.choice(BIO_OPENINGS).format(years=max(experience_years, 1), district=district_name)
    strength = rng.choice(BIO_STRENGTHS).format(skills="、".join(skill_names[:3]))
    return opening + strength + "".join(rng.sample(BIO_MANNERS, 2))
