"""How a caregiver stands in a list and at the head of a page."""

from datetime import date
from typing import Any

from server.core.clock import age_on
from server.roster.catalog import Catalog
from server.roster.wording import GENDER_TEXTS, SERVICE_STATE_TEXTS
from server.storage.files.links import FileLinks

HEADLINE_TYPE = "escort_hourly"  # whose day price is shown when no type is asked for (contract.md §5)


def card(
    row: Any, codes: dict[str, list[str]], *, catalog: Catalog, links: FileLinks, today: date
) -> dict[str, Any]:
    """The answer's item; `price_fen` is null for what is not sold, `rating` without reviews."""
    state = "busy" if row["is_busy"] else "idle" if row["listening"] else "off"
    return {
        "caregiver_id": row["caregiver_id"],
        "name": row["name"],
        "photo_url": links.url(row["photo_file_id"]),
        "gender": row["gender"],
        "gender_text": GENDER_TEXTS[row["gender"]],
        "age": age_on(row["birth_date"], today),
        "experience_years": row["experience_years"],
        "skills": codes["skills"],
        "skills_text": [catalog.skill_name(code) for code in codes["skills"]],
        "districts": codes["districts"],
        "districts_text": [catalog.district_name(code) for code in codes["districts"]],
        "price_fen": row["price_fen"],
        "rating": None if row["rating_milli"] is None else row["rating_milli"] / 1000,
        "review_count": row["review_count"],
        "service_state": state,
        "service_state_text": SERVICE_STATE_TEXTS[state],
    }
