"""Which codes of the catalogue may be named."""

from collections.abc import Callable, Iterable, Sequence

from server.core.errors import invalid
from server.roster.catalog import Catalog


def check_places_and_skills(
    catalog: Catalog, *, districts: Iterable[str], hospital_ids: Iterable[str], skills: Iterable[str]
) -> None:
    """Raises Refused: 422 `invalid` about the first code that is unknown."""
    check_codes(districts, known=catalog.district_name, field="districts")
    check_codes(hospital_ids, known=catalog.hospital, field="hospital_ids")
    check_codes(skills, known=catalog.skill_name, field="skills")


def check_codes(codes: Iterable[str], *, known: Callable[[str], object | None], field: str) -> None:
    for position, code in enumerate(codes):
        check_code(code, known=known, field=f"{field}.{position}")


def check_code(code: str | None, *, known: Callable[[str], object | None], field: str) -> None:
    """None is nothing to check."""
    if code is not None and known(code) is None:
        raise invalid(field, "不是可选的取值", code="not_allowed")


def without_repeats(codes: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(codes))
