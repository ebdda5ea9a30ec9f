"""A caregiver's own profile and the switch for offers."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from config.policy import CaregiverRules
from server.core.call import Call
from server.core.clock import BusinessClock, age_on, shanghai_date
from server.core.errors import Refused, invalid
from server.roster.caregivers import store
from server.roster.caregivers.codes import check_places_and_skills, without_repeats
from server.roster.caregivers.commands import Nothing, SaveProfile, SwitchOnline
from server.roster.catalog import Catalog
from server.roster.pinyin import name_pinyin
from server.roster.wording import GENDER_TEXTS, QUALIFICATION_TEXTS
from server.storage.files.links import FileLinks
from server.storage.sql import Database
from server.storage.transaction import Transaction
from server.storage.unit_of_work import UnitOfWork

_KEPT_AS_SENT = (
    "name",
    "gender",
    "birth_date",
    "contact_phone",
    "experience_years",
    "bio",
    "photo_file_id",
)
_SCHOOL_YEARS = 16  # nobody has cared for patients for pay before


class CaregiverProfiles:
    """Use cases of a caregiver's account about itself, before approval too."""

    def __init__(
        self,
        *,
        database: Database,
        units: UnitOfWork,
        clock: BusinessClock,
        catalog: Catalog,
        rules: Callable[[], CaregiverRules],
        links: FileLinks,
    ) -> None:
        self._database = database
        self._units = units
        self._clock = clock
        self._catalog = catalog
        self._rules = rules
        self._links = links

    async def save_profile(self, call: Call, command: SaveProfile) -> dict[str, Any]:
        """`caregiver_id`; replaces. 409 `wrong_state` when it would change a verified identity."""

        async def body(tx: Transaction) -> dict[str, Any]:
            now = self._clock.now()
            self._check(command, today=shanghai_date(now))
            if command.photo_file_id is not None:
                await self._check_photo(tx, command.photo_file_id, user_id=call.user.user_id)
            caregiver_id = await self._save(tx, call.user.user_id, command, at=now)
            await store.replace_places_and_skills(
                tx,
                caregiver_id,
                districts=without_repeats(command.districts),
                hospital_ids=without_repeats(command.hospital_ids),
                skills=without_repeats(command.skills),
            )
            history = [period.model_dump(by_alias=True) for period in command.work_history]
            await store.replace_work_history(tx, caregiver_id, history)
            return {"caregiver_id": caregiver_id}

        return await self._units.run(call, body)

    def _check(self, command: SaveProfile, *, today: date) -> None:
        rules = self._rules()
        age = age_on(command.birth_date, today)
        if not rules.age_at_least <= age <= rules.age_at_most:
            raise invalid("birth_date", f"陪护人员年龄应在{rules.age_at_least}至{rules.age_at_most}周岁之间")
        if command.experience_years > age - _SCHOOL_YEARS:
            raise invalid("experience_years", "从业年限与年龄不符")
        for position, period in enumerate(command.work_history):
            if period.to is not None and period.to < period.from_[: len(period.to)]:
                raise invalid(f"work_history.{position}.to", "结束时间不能早于开始时间")
        check_places_and_skills(
            self._catalog, districts=command.districts, hospital_ids=command.hospital_ids, skills=command.skills
        )

    async def _check_photo(self, tx: Transaction, file_id: str, *, user_id: str) -> None:
        if not await store.owns_photo(tx, file_id, user_id=user_id):
            raise invalid("photo_file_id", "请先上传本人照片", code="unknown_file")

    async def _save(self, tx: Transaction, user_id: str, command: SaveProfile, *, at: datetime) -> str:
        values = {name: getattr(command, name) for name in _KEPT_AS_SENT}
        values |= {"name_pinyin": name_pinyin(command.name), "updated_at": at}
        row = await store.caregiver_of(tx, user_id)
        if row is None:
            caregiver_id = await store.add_caregiver(tx, user_id, {**values, "created_at": at})
            if caregiver_id is not None:
                return caregiver_id
            row = await store.caregiver_of(tx, user_id)
            assert row is not None
        unchanged = store.identity_unchanged(command.name, command.gender, command.birth_date)
        if not await store.change_caregiver(tx, row["caregiver_id"], values, unchanged):
            raise Refused("wrong_state", "姓名、性别和出生日期已通过实名认证，不能修改")
        return row["caregiver_id"]

    async def read_profile(self, call: Call, command: Nothing) -> dict[str, Any]:
        """404 until a profile was saved."""
        async with self._database.read() as tx:
            row = await store.caregiver_of(tx, call.user.user_id)
            if row is None:
                raise Refused("not_found", "尚未填写个人资料")
            places = await store.places_and_skills(tx, row["caregiver_id"])
            history = await store.work_history(tx, row["caregiver_id"])
        return _answer(row, today=shanghai_date(self._clock.now()), photo_url=self._links.url(row["photo_file_id"])) | {
            **places,
            "districts_text": [self._catalog.district_name(code) for code in places["districts"]],
            "skills_text": [self._catalog.skill_name(code) for code in places["skills"]],
            "work_history": history,
        }

    async def switch_online(self, call: Call, command: SwitchOnline) -> dict[str, Any]:
        """Listening for offers or not."""

        async def body(tx: Transaction) -> dict[str, Any]:
            row = await store.caregiver_of(tx, call.user.user_id)
            if row is None:
                raise Refused("wrong_state", "请先填写个人资料")
            changes = {"listening": command.online, "updated_at": self._clock.now()}
            await store.change_caregiver(tx, row["caregiver_id"], changes)
            return {"online": command.online}

        return await self._units.run(call, body)


def _answer(row: Any, *, today: date, photo_url: str | None) -> dict[str, Any]:
    valid_until = row["papers_valid_until"]
    return {
        "caregiver_id": row["caregiver_id"],
        "name": row["name"],
        "gender": row["gender"],
        "gender_text": GENDER_TEXTS[row["gender"]],
        "birth_date": row["birth_date"].isoformat(),
        "age": age_on(row["birth_date"], today),
        "contact_phone": row["contact_phone"],
        "experience_years": row["experience_years"],
        "bio": row["bio"],
        "photo_file_id": row["photo_file_id"],
        "photo_url": photo_url,
        "online": row["listening"],
        "qualification_status": row["qualification_status"],
        "qualification_status_text": QUALIFICATION_TEXTS[row["qualification_status"]],
        "papers_valid_until": None if valid_until is None else valid_until.isoformat(),
        "identity_locked": row["approved_at"] is not None,
    }
