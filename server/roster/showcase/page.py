"""A caregiver's page, and the own reviews."""

import json
from datetime import datetime
from typing import Any

from server.core.call import Call
from server.core.clock import BusinessClock, shanghai_date, shanghai_text
from server.core.cursor import Pages
from server.core.errors import Refused
from server.roster.caregivers import store, store_papers
from server.roster.caregivers.service import price_answer
from server.roster.catalog import Catalog
from server.roster.showcase import queries_page
from server.roster.showcase.cards import HEADLINE_TYPE, card
from server.roster.showcase.commands import ListReviews, ReadCaregiver
from server.roster.showcase.queries import skills_and_districts
from server.roster.wording import masked_name, masked_number
from server.storage.cache.reads import CachedReads
from server.storage.files.links import FileLinks
from server.storage.sql import Database
from server.storage.transaction import Transaction

_REVIEWS_ON_PAGE = 10
_CASES_ON_PAGE = 20
_REVIEWS = Pages("reviews", reviewed_at=datetime, review_id=str)
_FORM = "caregiver.1"  # of what is kept; another number when it changes, for versions that run side by side


class CaregiverPage:
    """What everybody may read about an approved caregiver: no ID number, no phone, nobody's patient.

    Every look reads the caregiver's row, which says whether the page may be seen at all and under which mark the rest
    of it may be kept (roster/store_marks.py); only that rest comes out of a cache.
    """

    def __init__(
        self, *, database: Database, reads: CachedReads, clock: BusinessClock, catalog: Catalog, links: FileLinks
    ) -> None:
        self._database = database
        self._reads = reads
        self._clock = clock
        self._catalog = catalog
        self._links = links

    async def read_caregiver(self, call: Call, command: ReadCaregiver) -> dict[str, Any]:
        """404 for who may not be found by a search either."""
        now = self._clock.now()
        today, caregiver_id = shanghai_date(now), command.caregiver_id
        async with self._database.glance() as tx:
            row = await queries_page.shown_caregiver(
                tx, caregiver_id, today=today, priced_type=HEADLINE_TYPE, now=now
            )
        if row is None:
            raise Refused("not_found")
        kept = await self._reads.ask(self._name_of(row), lambda: self._read_rest(caregiver_id))
        head = card(row, kept["codes"], catalog=self._catalog, links=self._links, today=today)
        return head | _of_row(row) | kept["details"]

    @staticmethod
    def _name_of(row: Any) -> str:
        return f"{_FORM}/{row['caregiver_id']}/{row['page_mark']}"

    async def _read_rest(self, caregiver_id: str) -> dict[str, Any]:
        """What stands in other rows; read after the mark, so that it is at least as new."""
        async with self._database.read() as tx:
            codes = await skills_and_districts(tx, [caregiver_id])
            return {"codes": codes[caregiver_id], "details": await self._details(tx, caregiver_id)}

    async def _details(self, tx: Transaction, caregiver_id: str) -> dict[str, Any]:
        paper = await store_papers.latest_approved(tx, caregiver_id)
        reviews = await queries_page.reviews_of(tx, caregiver_id, after=None, limit=_REVIEWS_ON_PAGE)
        cases = await queries_page.consented_cases(tx, caregiver_id, limit=_CASES_ON_PAGE)
        return {
            "work_history": await store.work_history(tx, caregiver_id),
            "certificates": [] if paper is None else _certificates(paper),
            "prices": [price_answer(price, catalog=self._catalog) for price in await store.prices(tx, caregiver_id)],
            "reviews": [self._review(review) for review in reviews],
            "cases": [self._case(case) for case in cases],
        }

    def _case(self, row: Any) -> dict[str, Any]:
        return {
            "case_id": row["case_id"],
            "service_type": row["service_type"],
            "service_type_text": self._service_name(row["service_type"]),
            "summary": row["summary"],
            "condition_tags": json.loads(row["condition_tags"]),
            "duration_minutes": row["duration_minutes"],
            "month": row["month"],
        }

    def _review(self, row: Any) -> dict[str, Any]:
        return {
            "review_id": row["review_id"],
            "author": masked_name(row["username"]),
            "service_type": row["service_type"],
            "service_type_text": self._service_name(row["service_type"]),
            "score": row["review_score"],
            "content": row["review_content"],
            "tags": json.loads(row["review_tags"]) if row["review_tags"] else [],
            "created_at": shanghai_text(row["reviewed_at"]),
        }

    def _service_name(self, code: str) -> str:
        service = self._catalog.service_type(code)
        return code if service is None else service.name

    async def list_own_reviews(self, call: Call, command: ListReviews) -> dict[str, Any]:
        """What families wrote about the asking caregiver, newest first."""
        after = _REVIEWS.after(command.cursor)
        async with self._database.read() as tx:
            own = await store.caregiver_of(tx, call.user.user_id)
            if own is None:
                return {"items": [], "next_cursor": None}
            rows = await queries_page.reviews_of(tx, own["caregiver_id"], after=after, limit=command.limit + 1)
        shown, cursor = _REVIEWS.cut(rows, command.limit)
        items = [self._review(row) | {"order_id": row["order_id"]} for row in shown]
        return {"items": items, "next_cursor": cursor}


def _of_row(row: Any) -> dict[str, Any]:
    """What follows every visit, and the caregiver's own words."""
    return {
        "bio": row["bio"],
        "accepts_urgent": row["accepts_urgent"],
        "accepts_night": row["accepts_night"],
        "completed_count": row["completed_count"],
        "good_rate": None if not row["review_count"] else round(row["good_count"] / row["review_count"], 4),
    }


def _certificates(paper: Any) -> list[dict[str, Any]]:
    """Both audited papers; only the ends of their numbers."""
    return [
        {
            "name": paper["certificate_name"],
            "number_masked": masked_number(paper["certificate_number"]),
            "expires_on": paper["certificate_expires_on"].isoformat(),
        },
        {
            "name": "健康证明",
            "number_masked": masked_number(paper["health_certificate_number"]),
            "expires_on": paper["health_certificate_expires_on"].isoformat(),
        },
    ]
