"""The sandbox's demo world, before anything is stored.

Keeps what contract.md §9 promises of `/sandbox/accounts`: one administrator, families with two patients
each, fourteen listening caregivers, seven of whom sell everything around the clock in one district at no
more than the base price. `describe_world` is pure; who stores it walks the value once.
"""
from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random

from server.demo.bookings import NEWEST_DAYS_AGO, GeneratedOrder, draw_order
from server.demo.careers import draw_bio, draw_work_history
from server.demo.market import hospitals_in, served_districts
from server.demo.numbers import certificate_number, demo_phone, id_number
from server.demo.people import (
    YOUNGEST_ACCOUNT_DAYS,
    GeneratedCaregiver,
    GeneratedFamily,
    GeneratedPatient,
    Hours,
    Papers,
    Price,
    generate_family,
    round_price,
)
from server.demo.world_people import (
    ADMINISTRATOR,
    ALL_ROUNDERS,
    FAMILIES,
    RHYTHMS,
    SPECIALISTS,
    CaregiverSketch,
    FamilySketch,
    PatientSketch,
)
from server.roster.catalog import Catalog

DEMO_PASSWORD = "peihu-demo-2026"
_SEED = 2026
_COUNTY = "0100"  # keeps these ID numbers apart from generated people's
_FORMER_FAMILIES = 6
_ADMINISTRATOR_PHONE, _FAMILY_PHONE, _CAREGIVER_PHONE, _FORMER_PHONE = 1, 101, 201, 901


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """One line of `/sandbox/accounts`; the phone finds the account's id."""

    user_type: str
    name: str
    phone: str
    password: str


@dataclass(frozen=True, slots=True)
class World:
    """Everything to be planted; all accounts share the password.

    `caregivers` are approved, verified and listening. `families` hold the accounts that are shown; the
    last is the relative who joins. `former_families` only booked the past: order i of `history` is between
    `caregivers[order.caregiver_index]` and `former_families[order.family_index]`, the oldest first.
    """

    password: str
    administrator: DemoAccount
    families: tuple[GeneratedFamily, ...]
    caregivers: tuple[GeneratedCaregiver, ...]
    former_families: tuple[GeneratedFamily, ...]
    history: tuple[GeneratedOrder, ...]

    def accounts(self) -> tuple[DemoAccount, ...]:
        """Who is shown: the administrator, the families, the caregivers."""
        people = [("patient", family) for family in self.families]
        people += [("caregiver", caregiver) for caregiver in self.caregivers]
        return (self.administrator, *(
            DemoAccount(user_type=user_type, name=person.name.text, phone=person.phone, password=self.password)
            for user_type, person in people
        ))


def describe_world(market: Catalog, *, today: date) -> World:
    """The demo world as it is on a Shanghai day; the same for the same day and market."""
    home = _home_district(market)
    caregivers = _describe_caregivers(market, home=home, today=today)
    former = tuple(_former_family(place, today=today) for place in range(_FORMER_FAMILIES))
    return World(
        password=DEMO_PASSWORD,
        administrator=DemoAccount("admin", ADMINISTRATOR.text, demo_phone(_ADMINISTRATOR_PHONE), DEMO_PASSWORD),
        families=tuple(
            _family(sketch, place, today=today) for place, sketch in enumerate(FAMILIES)
        ),
        caregivers=caregivers,
        former_families=former,
        history=_describe_history(caregivers, former, market=market, today=today),
    )


def _home_district(market: Catalog) -> str:
    """The district with the most hospitals; the first of them in the catalogue's order."""
    return max(served_districts(market), key=lambda district: len(hospitals_in(market, district.code))).code


def _describe_caregivers(market: Catalog, *, home: str, today: date) -> tuple[GeneratedCaregiver, ...]:
    others = [district.code for district in served_districts(market) if district.code != home] or [home]
    people = [
        _caregiver(
            sketch, place, all_round=True, market=market, today=today,
            districts=(home, others[place % len(others)]) if place % 2 and others[0] != home else (home,),
        )
        for place, sketch in enumerate(ALL_ROUNDERS)
    ]
    for number, sketch in enumerate(SPECIALISTS):
        districts = tuple(dict.fromkeys((others[number % len(others)], others[(number + 1) % len(others)])))
        people.append(_caregiver(
            sketch, len(ALL_ROUNDERS) + number, all_round=False, districts=districts, market=market, today=today
        ))
    return tuple(people)


def _caregiver(
    sketch: CaregiverSketch, place: int, *, all_round: bool, districts: tuple[str, ...], market: Catalog, today: date
) -> GeneratedCaregiver:
    rng = Random(f"peihu:world:caregiver:{place}")
    skill_names = [skill.name for skill in market.skills if skill.code in sketch.skills]
    start, end, weekdays = RHYTHMS[sketch.rhythm]
    near = [hospital.hospital_id for code in districts for hospital in hospitals_in(market, code)]
    return GeneratedCaregiver(
        index=place, name=sketch.name, gender=sketch.gender, birth_date=sketch.birth_date,
        phone=demo_phone(_CAREGIVER_PHONE + place),
        id_number=id_number(place, birth_date=sketch.birth_date, gender=sketch.gender, county=_COUNTY),
        registered_on=today - timedelta(days=YOUNGEST_ACCOUNT_DAYS + place),
        districts=districts, hospital_ids=tuple(near[:4]), skills=sketch.skills,
        experience_years=sketch.experience_years,
        work_history=draw_work_history(rng, experience_years=sketch.experience_years, today=today),
        bio=draw_bio(rng, experience_years=sketch.experience_years, skill_names=skill_names,
                     district_name=market.district_name(districts[0]) or ""),
        prices=_prices(sketch, all_round=all_round, place=place, market=market),
        weekly_hours=tuple(Hours(weekday, start, end) for weekday in weekdays),
        accepts_urgent=all_round or place % 2 == 0,
        accepts_night=all_round or sketch.rhythm == "nights",
        papers=_papers(place, today=today),
    )


def _prices(sketch: CaregiverSketch, *, all_round: bool, place: int, market: Catalog) -> tuple[Price, ...]:
    """All-rounders sell all types at no more than the base; specialists leave one out and may have own
    night and holiday prices."""
    prices: list[Price] = []
    for number, service in enumerate(market.service_types):
        if not all_round and number == 1 + place % (len(market.service_types) - 1):
            continue
        day_fen = round_price(service, service.base_price_fen * sketch.price_share)
        if all_round:
            day_fen = min(day_fen, service.base_price_fen)
        prices.append(Price(service.code, "day", day_fen))
        if not all_round and place % 2:
            prices.append(Price(service.code, "night", round_price(service, day_fen * 1.4)))
            prices.append(Price(service.code, "holiday", round_price(service, day_fen * 1.8)))
    return tuple(prices)


def _papers(place: int, *, today: date) -> Papers:
    issued_on = today - timedelta(days=200 + 11 * place)
    return Papers(
        certificate_name=("养老护理员职业技能等级证书", "医疗护理员培训合格证书", "陪诊师专项能力证书")[place % 3],
        certificate_number=certificate_number(place + 1, prefix="YLHL", issued_on=issued_on),
        certificate_expires_on=today + timedelta(days=1_400 + 30 * place),
        health_certificate_number=certificate_number(place + 1, prefix="JK", issued_on=issued_on),
        health_certificate_expires_on=today + timedelta(days=700 + 10 * place),
    )


def _family(sketch: FamilySketch, place: int, *, today: date) -> GeneratedFamily:
    phone = demo_phone(_FAMILY_PHONE + place)
    return GeneratedFamily(
        index=place, name=sketch.name, gender=sketch.gender, birth_date=sketch.birth_date, phone=phone,
        registered_on=today - timedelta(days=90 + place),
        patients=tuple(
            _patient(patient, number=100 + place * 10 + number, phone=phone)
            for number, patient in enumerate(sketch.patients)
        ),
    )


def _patient(sketch: PatientSketch, *, number: int, phone: str) -> GeneratedPatient:
    return GeneratedPatient(
        name=sketch.name, gender=sketch.gender, birth_date=sketch.birth_date, relation=sketch.relation,
        id_number=id_number(number, birth_date=sketch.birth_date, gender=sketch.gender, county=_COUNTY),
        contact_phone=phone, condition=sketch.condition, requirements=sketch.requirements,
        department=sketch.department, bed_no=sketch.bed_no,
    )


def _former_family(place: int, *, today: date) -> GeneratedFamily:
    drawn = generate_family(place, seed=_SEED, today=today)
    phone = demo_phone(_FORMER_PHONE + place)
    patients = tuple(replace(patient, contact_phone=phone) for patient in drawn.patients)
    return replace(drawn, phone=phone, patients=patients)


def _describe_history(
    caregivers: tuple[GeneratedCaregiver, ...], families: tuple[GeneratedFamily, ...], *, market: Catalog, today: date
) -> tuple[GeneratedOrder, ...]:
    """Past services, each alone within two days, so that nobody is booked twice."""
    sketches = (*ALL_ROUNDERS, *SPECIALISTS)
    turns = max(sketch.service_count for sketch in sketches)
    who = [
        caregivers[place] for turn in range(turns)
        for place, sketch in enumerate(sketches) if turn < sketch.service_count
    ]
    oldest_first = []
    for index, caregiver in enumerate(who):
        rng = Random(f"peihu:world:order:{index}")
        day = today - timedelta(days=NEWEST_DAYS_AGO + 2 * (len(who) - index))
        oldest_first.append(draw_order(
            rng, index, caregiver=caregiver, family=families[index % len(families)], day=day,
            reaches_next_day=True, market=market,
        ))
    return tuple(oldest_first)
