"""Families look for a caregiver."""

from collections.abc import Callable
from datetime import date
from typing import Any

from config.policy import TimeRules
from server.core.call import Call
from server.core.clock import BusinessClock, shanghai_date
from server.core.cursor import Pages
from server.roster.caregivers.codes import check_code, check_codes
from server.roster.catalog import Catalog
from server.roster.queries import Buffers
from server.roster.showcase import queries
from server.roster.showcase.cards import HEADLINE_TYPE, card
from server.roster.showcase.commands import FindCaregivers
from server.roster.showcase.queries import Place, Wanted
from server.storage.files.links import FileLinks
from server.storage.sql import Database

_SORTED_BY = {"rating": "rating_milli", "price": "price_fen", "experience": "experience_years"}
_PAGES = {
    sort: Pages(f"caregivers.{sort}", **{column: int | None, "caregiver_id": str}) for sort, column in _SORTED_BY.items()
}


class CaregiverSearch:
    """GET /api/caregiver/query; `rules()` are the numbers in force."""

    def __init__(
        self,
        *,
        database: Database,
        clock: BusinessClock,
        catalog: Catalog,
        rules: Callable[[], TimeRules],
        links: FileLinks,
    ) -> None:
        self._database = database
        self._clock = clock
        self._catalog = catalog
        self._rules = rules
        self._links = links

    async def find_caregivers(self, call: Call, command: FindCaregivers) -> dict[str, Any]:
        """A page of cards; three statements however long it is."""
        now = self._clock.now()
        wanted = self._wanted(command, today=shanghai_date(now))
        pages = _PAGES[command.sort]
        place = pages.after(command.cursor)
        after = None if place is None else Place(*place)
        async with self._database.read() as tx:
            rows = await queries.search(
                tx, wanted, sort=command.sort, after=after, limit=command.limit + 1, now=now
            )
            shown, cursor = pages.cut(rows, command.limit)
            codes = await queries.skills_and_districts(tx, [row["caregiver_id"] for row in shown])
        items = [
            card(row, codes[row["caregiver_id"]], catalog=self._catalog, links=self._links, today=wanted.today)
            for row in shown
        ]
        return {"items": items, "next_cursor": cursor}

    def _wanted(self, command: FindCaregivers, *, today: date) -> Wanted:
        catalog = self._catalog
        check_codes(command.skill, known=catalog.skill_name, field="skill")
        check_code(command.service_type, known=catalog.service_type, field="service_type")
        check_code(command.district, known=catalog.district_name, field="district")
        check_code(command.hospital_id, known=catalog.hospital, field="hospital_id")
        hospital = None if command.hospital_id is None else catalog.hospital(command.hospital_id)
        visit = None
        if command.start_at is not None and command.end_at is not None:
            visit = (command.start_at, command.end_at)
        keyword = command.keyword
        return Wanted(
            today=today,
            keyword=keyword,
            keyword_skills=()
            if keyword is None
            else tuple(skill.code for skill in catalog.skills if keyword in skill.name),
            skills=tuple(dict.fromkeys(command.skill)),
            gender=command.gender,
            born_from=None if command.max_age is None else _day_after_birthday(today, command.max_age + 1),
            born_to=None if command.min_age is None else _birthday(today, command.min_age),
            min_experience=command.min_experience,
            max_experience=command.max_experience,
            min_price_fen=command.min_price_fen,
            max_price_fen=command.max_price_fen,
            priced_type=command.service_type or HEADLINE_TYPE,
            must_sell=command.service_type is not None,
            district=command.district,
            hospital_id=command.hospital_id,
            hospital_district=None if hospital is None else hospital.district,
            visit=visit,
            buffers=Buffers.of(self._rules()),
        )


def _birthday(today: date, age: int) -> date:
    """The latest birth date of somebody who is at least so old today."""
    leap_day = (today.month, today.day) == (2, 29)
    return today.replace(year=today.year - age, day=28 if leap_day else today.day)


def _day_after_birthday(today: date, age: int) -> date:
    """The earliest birth date of somebody who is not yet so old today."""
    return date.fromordinal(_birthday(today, age).toordinal() + 1)
