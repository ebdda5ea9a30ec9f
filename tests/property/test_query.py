"""The search finds what a filter in plain Python finds."""
import asyncio
import shutil
import sqlite3
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event
from sqlalchemy.engine import Engine

from config.policy import TimeRules
from server.core.call import Actor, Call
from server.core.clock import SHANGHAI, BusinessClock, age_on, server_now
from server.roster.catalog import DEFAULT_CATALOG
from server.roster.hours import covers, overlaps
from server.roster.showcase.commands import FindCaregivers
from server.roster.showcase.search import CaregiverSearch
from server.storage.files.links import FileLinks
from server.storage.sealed import FieldKeys
from server.storage.sql import Database
from tests.property import roster_world as world

COUNT = 10_000
MOST_PAGES = 4
CALL = Call(Actor("someone", "patient", "login"), "request")


class StoppedClock(BusinessClock):
    """A business clock that stands at the world's instant."""

    def now(self):
        return world.NOW


@pytest.fixture(scope="module")
def people():
    return world.make_people(COUNT, seed=7)


@pytest.fixture(scope="module")
def planted_file(tmp_path_factory, migrated_file, people):
    path = tmp_path_factory.mktemp("roster") / "peihu.db"
    shutil.copyfile(migrated_file, path)

    async def plant():
        database = _open(path)
        await database.write(lambda tx: world.plant(tx, people))
        await database.close()

    asyncio.run(plant())
    return path


def _open(path):
    return Database(f"sqlite+aiosqlite:///{path}", keys=FieldKeys("k" * 32), readers=1, acquire_timeout_s=10.0)


@pytest.fixture
def search(io_loop, planted_file):
    database = _open(planted_file)
    yield CaregiverSearch(
        database=database,
        clock=StoppedClock(),
        catalog=DEFAULT_CATALOG,
        rules=TimeRules,
        links=FileLinks(secret="s" * 32),
    )
    io_loop.asyncio_loop.run_until_complete(database.close())


def _wanted(people, asked):
    """The ids in order, by plain Python."""
    kind = asked.get("service_type", "escort_hourly")
    found = [person for person in people if _fits(person, asked, kind)]
    sort = asked.get("sort", "rating")
    if sort == "price":
        found.sort(key=lambda p: (kind not in p.day_prices, p.day_prices.get(kind, 0), p.caregiver_id))
    else:
        column = "rating_milli" if sort == "rating" else "experience_years"
        found.sort(key=lambda p: (-1 if p.row[column] is None else p.row[column], p.caregiver_id), reverse=True)
    return [person.caregiver_id for person in found]


def _fits(person, asked, kind):
    row, price = person.row, person.day_prices.get(kind)
    age = age_on(row["birth_date"], world.TODAY)
    checks = [
        row["qualification_status"] == "approved",
        row["banned_at"] is None,
        row["papers_valid_until"] >= world.TODAY,
        asked.get("gender", row["gender"]) == row["gender"],
        int(asked.get("min_age", 0)) <= age <= int(asked.get("max_age", 150)),
        int(asked.get("min_experience", 0)) <= row["experience_years"] <= int(asked.get("max_experience", 150)),
        set(asked.get("skill", [])) <= person.skills,
        asked.get("district") is None or asked["district"] in person.districts,
    ]
    if "service_type" in asked or "min_price_fen" in asked or "max_price_fen" in asked:
        least, most = int(asked.get("min_price_fen", 0)), int(asked.get("max_price_fen", 10**9))
        checks.append(price is not None and least <= price <= most)
    return all(checks) and _mentions(person, asked) and _is_there(person, asked) and _is_free(person, asked)


def _mentions(person, asked):
    keyword = asked.get("keyword")
    if keyword is None:
        return True
    texts = [person.row["name"], person.row["bio"] or ""]
    if keyword.isascii() and keyword.replace(" ", "").isalpha():
        keyword_typed = keyword.replace(" ", "").lower()
        if keyword_typed in person.row["name_pinyin"]:
            return True
    skills = [DEFAULT_CATALOG.skill_name(code) for code in person.skills]
    return any(keyword.lower() in text.lower() for text in texts) or any(keyword in name for name in skills)


def _is_there(person, asked):
    hospital = asked.get("hospital_id")
    if hospital is None or hospital in person.hospitals:
        return True
    return not person.hospitals and world.HOSPITALS[hospital] in person.districts


def _is_free(person, asked):
    if "start_at" not in asked:
        return True
    visit = datetime.fromisoformat(asked["start_at"]), datetime.fromisoformat(asked["end_at"])
    hospital = asked.get("hospital_id")
    for start_at, end_at, where in person.busy:
        buffer = timedelta() if where == hospital else timedelta(minutes=30)
        if overlaps(visit, (start_at, end_at), buffer=buffer):
            return False
    return covers(person.hours, *visit)


def _visits():
    start = st.integers(0, 24 * 6 * 5).map(lambda tens: datetime(2026, 11, 22, tzinfo=SHANGHAI) + tens * _TEN_MIN)
    length = st.sampled_from([timedelta(hours=1), timedelta(hours=4), timedelta(hours=12), timedelta(hours=24)])
    return st.tuples(start, length).map(
        lambda pair: {"start_at": pair[0].isoformat(), "end_at": (pair[0] + pair[1]).isoformat()}
    )


_TEN_MIN = timedelta(minutes=10)
_NUMBER = {
    "min_age": (18, 60),
    "max_age": (25, 66),
    "min_experience": (0, 15),
    "max_experience": (3, 20),
    "min_price_fen": (4_000, 8_000),
    "max_price_fen": (5_500, 9_500),
}
_KEYWORDS = ["王", "秀", "%", "_", "a", "Z", "陪护", "手语", "医院", "NURSE", "xiuying", "wang", "lj"]
_KEYWORDS += ["'", "照护", "\\"]
_CHOICES = {
    "keyword": st.sampled_from(_KEYWORDS),
    "skill": st.lists(st.sampled_from(world.SKILLS), min_size=1, max_size=2, unique=True),
    "gender": st.sampled_from(["male", "female"]),
    "service_type": st.sampled_from(world.TYPES),
    "district": st.sampled_from(world.DISTRICTS),
    "hospital_id": st.sampled_from(sorted(world.HOSPITALS)),
    **{name: st.integers(*bounds).map(str) for name, bounds in _NUMBER.items()},
}
FILTERS = st.builds(
    lambda some, visit, sort, limit: {**some, **visit, "sort": sort, "limit": str(limit)},
    st.lists(st.sampled_from(sorted(_CHOICES)), max_size=4, unique=True).flatmap(
        lambda names: st.fixed_dictionaries({name: _CHOICES[name] for name in names})
    ),
    st.one_of(st.just({}), _visits()),
    st.sampled_from(["rating", "price", "experience"]),
    st.sampled_from([1, 3, 20, 100]),
)


async def _pages(search, asked):
    """The ids of the first pages, and whether they are all there is."""
    ids, cursor = [], None
    for _ in range(MOST_PAGES):
        more = {} if cursor is None else {"cursor": cursor}
        page = await search.find_caregivers(CALL, FindCaregivers.model_validate({**asked, **more}))
        ids += [item["caregiver_id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            return ids, True
    return ids, False


def test_pages_are_exactly_what_a_filter_in_plain_python_finds(io_loop, search, people):
    found_something = 0

    @settings(max_examples=50, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(asked=FILTERS)
    def check(asked):
        nonlocal found_something
        expected = _wanted(people, asked)
        ids, complete = io_loop.asyncio_loop.run_until_complete(_pages(search, asked))
        assert ids == (expected if complete else expected[: len(ids)])
        assert complete or len(ids) == MOST_PAGES * int(asked["limit"])
        found_something += bool(ids)

    check()
    assert found_something > 20


class Statements:
    """The statements that reached a driver while it was open."""

    def __enter__(self):
        self.seen = []
        event.listen(Engine, "before_cursor_execute", self._note)
        return self

    def _note(self, connection, cursor, statement, parameters, context, executemany):
        if statement.lstrip().startswith("SELECT"):
            self.seen.append((statement, parameters))

    def __exit__(self, *problem):
        event.remove(Engine, "before_cursor_execute", self._note)


BUSY_FILTERS = [
    {},
    {"sort": "price"},
    {"sort": "experience"},
    {"district": "haidian"},
    {"district": "haidian", "sort": "price", "service_type": "inpatient_24h"},
    {"service_type": "errand", "max_price_fen": "6000"},
    {"skill": ["stroke", "dialysis"], "gender": "female"},
    {"min_age": "30", "max_age": "40", "min_experience": "5"},
    {"hospital_id": "bj-xiehe", "start_at": "2026-11-24T09:00:00+08:00", "end_at": "2026-11-24T13:00:00+08:00"},
]


async def test_a_page_takes_three_statements_however_long_it_is(search):
    for asked in BUSY_FILTERS:
        counts = set()
        for limit in ("1", "100"):
            with Statements() as statements:
                await search.find_caregivers(CALL, FindCaregivers.model_validate({**asked, "limit": limit}))
            counts.add(len(statements.seen))
        assert counts == {3}, asked


async def test_no_filter_reads_the_whole_table_of_caregivers(search, planted_file):
    for asked in BUSY_FILTERS:
        with Statements() as statements:
            await search.find_caregivers(CALL, FindCaregivers.model_validate(asked))
        with sqlite3.connect(planted_file) as connection:
            statement, parameters = statements.seen[0]
            plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]
        connection.close()
        assert not [step for step in plan if step.startswith("SCAN t_caregiver_info")], (asked, plan)
        assert any(step.startswith("SEARCH t_caregiver_info USING") for step in plan), (asked, plan)


async def test_the_first_page_comes_quickly_among_ten_thousand(search):
    for asked in BUSY_FILTERS:
        command = FindCaregivers.model_validate(asked)
        await search.find_caregivers(CALL, command)
        began = server_now()
        await search.find_caregivers(CALL, command)
        assert server_now() - began < timedelta(seconds=1), asked
