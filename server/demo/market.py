"""What the demo needs to know of the catalogue, as plain values.

People are drawn from it, so that they live in districts that exist, have skills that can be searched
and ask prices within the bounds.
"""
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tariff:
    """A service type with its bounds; amounts in fen, the duration in minutes (None: whole hours)."""

    code: str
    duration_min: int | None
    base_price_fen: int
    min_price_fen: int
    max_price_fen: int


@dataclass(frozen=True, slots=True)
class Named:
    """A code and the Chinese name shown for it."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Place:
    """A hospital and the code of its district."""

    hospital_id: str
    name: str
    district: str


@dataclass(frozen=True, slots=True)
class Market:
    """Districts, skills, departments, hospitals and tariffs in the catalogue's order."""

    districts: tuple[Named, ...]
    skills: tuple[Named, ...]
    departments: tuple[Named, ...]
    hospitals: tuple[Place, ...]
    tariffs: tuple[Tariff, ...]

    def hospitals_in(self, district: str) -> tuple[Place, ...]:
        return tuple(place for place in self.hospitals if place.district == district)

    def district_name(self, code: str) -> str:
        return next(district.name for district in self.districts if district.code == code)

    def tariff(self, code: str) -> Tariff:
        return next(tariff for tariff in self.tariffs if tariff.code == code)

    @property
    def served_districts(self) -> tuple[Named, ...]:
        """Districts that have a hospital at all, in order."""
        served = {place.district for place in self.hospitals}
        return tuple(district for district in self.districts if district.code in served)
