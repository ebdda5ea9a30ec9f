"""Believable people for the demo, the same for the same seed.

Person number i is a pure function of (seed, i): streams need constant memory, can start anywhere and
agree with `bookings.py`, which only speaks of numbers. Nobody here exists.
"""
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from server.demo.careers import WorkPeriod, draw_bio, draw_work_history
from server.demo.market import hospitals_in, served_districts
from server.demo.numbers import birth_date_of, certificate_number, county_of, id_number, phone_number
from server.demo.words.names import PersonName, draw_name, draw_surname
from server.demo.words.phrases import BEDS, CONDITIONS
from server.roster.catalog import Catalog, ServiceType

YOUNGEST_ACCOUNT_DAYS = 620  # every generated account is older than any generated order
_PRICE_STEP_FEN = 500  # people ask round prices
_YOUNGEST_YEARS, _OLDEST_YEARS = 22, 58  # inside the 18-65 of domain.md §12, with room to age


@dataclass(frozen=True, slots=True)
class Price:
    """What one service type costs in one band (`day`, `night`, `holiday`)."""

    service_type: str
    band: str
    price_fen: int


@dataclass(frozen=True, slots=True)
class Hours:
    """A weekly period; `weekday` 1-7 from Monday, `end` may be "24:00" or the next day's."""

    weekday: int
    start: str
    end: str


@dataclass(frozen=True, slots=True)
class Papers:
    """The certificates that an audited caregiver holds."""

    certificate_name: str
    certificate_number: str
    certificate_expires_on: date
    health_certificate_number: str
    health_certificate_expires_on: date


@dataclass(frozen=True, slots=True)
class GeneratedCaregiver:
    """A caregiver with everything that a profile, a qualification and a service setting need."""

    index: int
    name: PersonName
    gender: str
    birth_date: date
    phone: str
    id_number: str
    registered_on: date
    districts: tuple[str, ...]
    hospital_ids: tuple[str, ...]
    skills: tuple[str, ...]
    experience_years: int
    work_history: tuple[WorkPeriod, ...]
    bio: str
    prices: tuple[Price, ...]
    weekly_hours: tuple[Hours, ...]
    accepts_urgent: bool
    accepts_night: bool
    papers: Papers

    def day_price_fen(self, service_type: str) -> int | None:
        """The day price of a type, None when it is not sold."""
        return next((p.price_fen for p in self.prices if p.service_type == service_type and p.band == "day"), None)


@dataclass(frozen=True, slots=True)
class GeneratedPatient:
    """One patient of a family; `relation` as in contract.md §4."""

    name: PersonName
    gender: str
    birth_date: date
    relation: str
    id_number: str
    contact_phone: str
    condition: str
    requirements: str
    department: str
    bed_no: str | None


@dataclass(frozen=True, slots=True)
class GeneratedFamily:
    """An account that books, with its patients."""

    index: int
    name: PersonName
    gender: str
    birth_date: date
    phone: str
    registered_on: date
    patients: tuple[GeneratedPatient, ...]


def years_before(day: date, years: int) -> date:
    """The same day so many years earlier; 29 February becomes the 28th."""
    return day.replace(year=day.year - years, day=28 if (day.month, day.day) == (2, 29) else day.day)


def generate_caregivers(count: int, *, seed: int, today: date, market: Catalog) -> Iterator[GeneratedCaregiver]:
    """`count` caregivers, one at a time."""
    return (generate_caregiver(index, seed=seed, today=today, market=market) for index in range(count))


def generate_families(count: int, *, seed: int, today: date) -> Iterator[GeneratedFamily]:
    """`count` families, one at a time."""
    return (generate_family(index, seed=seed, today=today) for index in range(count))


def generate_caregiver(index: int, *, seed: int, today: date, market: Catalog) -> GeneratedCaregiver:
    """Caregiver number `index` of a seed; two of three are women, as in the trade."""
    rng = Random(f"peihu:{seed}:caregiver:{index}")
    gender = "female" if rng.random() < 0.68 else "male"
    birth_date = birth_date_of(
        index, earliest=years_before(today, _OLDEST_YEARS), latest=years_before(today, _YOUNGEST_YEARS)
    )
    grown_years = (today - birth_date).days // 365 - 20
    experience_years = min(rng.choice((1, 2, 3, 4, 5, 6, 8, 10, 12, 15)), max(grown_years, 1))
    home = rng.choice(served_districts(market))
    districts = _draw_districts(rng, home=home.code, market=market)
    skills = rng.sample(market.skills, min(rng.randint(2, 5), len(market.skills)))
    near = [place.hospital_id for code in districts for place in hospitals_in(market, code)]
    return GeneratedCaregiver(
        index=index,
        name=draw_name(rng, gender=gender, birth_year=birth_date.year),
        gender=gender,
        birth_date=birth_date,
        phone=phone_number(index, kind="caregiver", seed=seed),
        id_number=id_number(index, birth_date=birth_date, gender=gender, county=county_of(seed)),
        registered_on=today - timedelta(days=YOUNGEST_ACCOUNT_DAYS + rng.randint(0, 600)),
        districts=districts,
        hospital_ids=tuple(sorted(rng.sample(near, min(3, len(near))))),
        skills=tuple(skill.code for skill in skills),
        experience_years=experience_years,
        work_history=draw_work_history(rng, experience_years=experience_years, today=today),
        bio=draw_bio(
            rng, experience_years=experience_years, skill_names=[s.name for s in skills], district_name=home.name
        ),
        prices=draw_prices(rng, services=market.service_types, experience_years=experience_years),
        weekly_hours=draw_weekly_hours(rng),
        accepts_urgent=rng.random() < 0.6,
        accepts_night=rng.random() < 0.5,
        papers=draw_papers(rng, index=index, today=today),
    )


def _draw_districts(rng: Random, *, home: str, market: Catalog) -> tuple[str, ...]:
    others = [district.code for district in served_districts(market) if district.code != home]
    return (home, *rng.sample(others, min(rng.choice((0, 1, 1, 2)), len(others))))


def draw_prices(rng: Random, *, services: tuple[ServiceType, ...], experience_years: int) -> tuple[Price, ...]:
    """Day prices of most types around the base, sometimes own night and holiday prices."""
    level = rng.uniform(0.82, 1.12) + 0.02 * min(experience_years, 10)
    prices: list[Price] = []
    for position, service in enumerate(services):
        if position > 0 and rng.random() < 0.25:  # the first type is sold by everybody
            continue
        day_fen = round_price(service, service.base_price_fen * level)
        prices.append(Price(service.code, "day", day_fen))
        if rng.random() < 0.3:
            prices.append(Price(service.code, "night", round_price(service, day_fen * 1.4)))
            prices.append(Price(service.code, "holiday", round_price(service, day_fen * 1.8)))
    return tuple(prices)


def round_price(service: ServiceType, amount_fen: float) -> int:
    """A price on a five-yuan step inside the catalogue's bounds."""
    stepped = round(amount_fen / _PRICE_STEP_FEN) * _PRICE_STEP_FEN
    return min(max(stepped, service.min_price_fen), service.max_price_fen)


def draw_weekly_hours(rng: Random) -> tuple[Hours, ...]:
    """One of the rhythms that caregivers live in: office days, long days, nights, always."""
    start, end, weekdays = rng.choice((
        ("08:00", "18:00", range(1, 6)),
        ("08:00", "20:00", range(1, 8)),
        ("07:00", "21:00", range(1, 7)),
        ("20:00", "08:00", range(1, 8)),
        ("00:00", "24:00", range(1, 8)),
        ("09:00", "17:00", (1, 2, 4, 6, 7)),
    ))
    return tuple(Hours(weekday, start, end) for weekday in weekdays)


def draw_papers(rng: Random, *, index: int, today: date) -> Papers:
    """Certificates that stay valid for more than a year."""
    issued_on = today - timedelta(days=rng.randint(60, 700))
    name, prefix = rng.choice((
        ("养老护理员职业技能等级证书", "YLHL"), ("医疗护理员培训合格证书", "YLHY"), ("陪诊师专项能力证书", "PZS"),
    ))
    return Papers(
        certificate_name=name,
        certificate_number=certificate_number(index, prefix=prefix, issued_on=issued_on),
        certificate_expires_on=today + timedelta(days=rng.randint(500, 1_500)),
        health_certificate_number=certificate_number(index, prefix="JK", issued_on=issued_on),
        health_certificate_expires_on=today + timedelta(days=rng.randint(380, 700)),
    )


def generate_family(index: int, *, seed: int, today: date) -> GeneratedFamily:
    """Family number `index` of a seed: an adult who books for one or two patients."""
    rng = Random(f"peihu:{seed}:family:{index}")
    gender = rng.choice(("female", "male"))
    birth_date = birth_date_of(index, earliest=years_before(today, 55), latest=years_before(today, 25))
    surname = draw_surname(rng)
    relations = rng.sample(("parent", "parent", "self", "spouse", "child"), rng.choice((1, 2)))
    phone = phone_number(index, kind="family", seed=seed)
    name = draw_name(rng, gender=gender, birth_year=birth_date.year, surname=surname)
    genders = rng.sample(("female", "male"), 2)  # so that two parents are mother and father
    patients = []
    for place, relation in enumerate(relations):
        if relation == "self":
            identity = (name, gender, birth_date)
        else:
            identity = _draw_relative(
                rng, relation=relation, gender=genders[place], surname=surname, booker_born=birth_date, today=today
            )
        number = index * 3 + place + 1 if relation != "self" else index
        patients.append(draw_patient(
            rng, identity=identity, relation=relation, number=number, phone=phone, county=county_of(seed), today=today
        ))
    return GeneratedFamily(
        index=index, name=name, gender=gender, birth_date=birth_date, phone=phone,
        registered_on=today - timedelta(days=YOUNGEST_ACCOUNT_DAYS + rng.randint(0, 600)), patients=tuple(patients),
    )


def _draw_relative(
    rng: Random, *, relation: str, gender: str, surname: tuple[str, str], booker_born: date, today: date
) -> tuple[PersonName, str, date]:
    if relation == "parent":
        born = years_before(booker_born, rng.randint(22, 34)) + timedelta(days=rng.randint(0, 364))
    elif relation == "child":
        eldest = min((today - booker_born).days // 365 - 22, 16)
        born = today - timedelta(days=rng.randint(400, max(eldest, 2) * 365))
    else:
        born = booker_born + timedelta(days=rng.randint(-1_800, 1_800))
    keeps_surname = relation == "child" or (relation == "parent" and gender == "male")
    name = draw_name(rng, gender=gender, birth_year=born.year, surname=surname if keeps_surname else None)
    return name, gender, born


def draw_patient(
    rng: Random, *, identity: tuple[PersonName, str, date], relation: str, number: int, phone: str,
    county: str, today: date,
) -> GeneratedPatient:
    """A patient with a condition of that age; one in three lies in a ward and has a bed."""
    name, gender, birth_date = identity
    age = (today - birth_date).days // 365
    fitting = [row for row in CONDITIONS if row[0] <= age <= row[1] and (gender == "female" or "孕" not in row[2])]
    _, _, condition, requirements, department = rng.choice(fitting)
    return GeneratedPatient(
        name=name, gender=gender, birth_date=birth_date, relation=relation,
        id_number=id_number(number, birth_date=birth_date, gender=gender, county=county),
        contact_phone=phone, condition=condition, requirements=requirements,
        department=department,
        bed_no=rng.choice(BEDS) if rng.random() < 0.34 else None,
    )
