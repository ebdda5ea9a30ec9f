"""Invites, joins, shows and removes family of a patient."""

from datetime import datetime, timedelta
from typing import Any

from server.core.call import Call
from server.core.clock import server_now, shanghai_text
from server.core.errors import Refused
from server.core.facts import Facts
from server.core.ids import new_id
from server.core.phone import mask_phone
from server.roster.facts import ViewerJoined, ViewerRemoved
from server.roster.patients import store
from server.roster.patients.commands import InviteViewer, JoinPatient, ListViewers, RemoveViewer
from server.roster.patients.invite_code import new_invite_code, plain_invite_code
from server.storage.sql import Database
from server.storage.transaction import Transaction
from server.storage.unit_of_work import UnitOfWork

INVITE_LIVES_FOR = timedelta(hours=24)  # of server time (contract.md §4)
_INVITES_KEPT_FOR = timedelta(days=30)  # until then the same code from the same account answers alike
_HASHED_AS = "patient_invite"


class Viewers:
    """Use cases around those who may look after a patient from afar."""

    def __init__(
        self, *, database: Database, units: UnitOfWork, facts: Facts, viewers_per_patient: int = 20
    ) -> None:
        self._database = database
        self._units = units
        self._facts = facts
        self._viewers_per_patient = viewers_per_patient

    async def invite_viewer(self, call: Call, command: InviteViewer) -> dict[str, Any]:
        """`invite_code` (shown only now) and `expires_at`."""

        async def body(tx: Transaction) -> dict[str, Any]:
            await self._own(tx, call, command.patient_id)
            now = server_now()
            code = new_invite_code()
            plain = plain_invite_code(code)
            assert plain is not None
            row = {
                "invite_id": new_id(),
                "patient_id": command.patient_id,
                "code_hash": tx.keys.lookup_hash(plain, _HASHED_AS),
                "may_chat": command.may_chat,
                "created_at": now,
                "expires_at": now + INVITE_LIVES_FOR,
            }
            await store.add_invite(tx, row)
            return {"invite_code": code, "expires_at": shanghai_text(row["expires_at"])}

        return await self._units.run(call, body)

    async def forget_invites(self) -> int:
        """A round of the job: how many codes went that ran out or were used long ago. Raises Unavailable."""
        before = server_now() - _INVITES_KEPT_FOR
        return await self._database.write(lambda tx: store.prune_invites(tx, before=before))

    async def join_patient(self, call: Call, command: JoinPatient) -> dict[str, Any]:
        """`patient_id`; the same account again gets the same answer, another one 409 `wrong_state`."""
        code = plain_invite_code(command.invite_code)

        async def body(tx: Transaction) -> dict[str, Any]:
            invite = None if code is None else await store.find_invite(tx, tx.keys.lookup_hash(code, _HASHED_AS))
            if invite is None:
                raise Refused("not_found", "邀请码不存在")
            if invite["owner_id"] == call.user.user_id:
                raise Refused("wrong_state", "您就是该就诊人的登记人，无需加入")
            await self._join(tx, call.user.user_id, invite, at=server_now())
            return {"patient_id": invite["patient_id"]}

        return await self._units.run(call, body)

    async def _join(self, tx: Transaction, user_id: str, invite: Any, *, at: datetime) -> None:
        patient_id = invite["patient_id"]
        if not await store.use_invite(tx, invite["invite_id"], user_id=user_id, at=at):
            if await store.used_invite(tx, invite["invite_id"]) == user_id and await store.is_viewer(
                tx, patient_id, user_id
            ):
                return
            raise Refused("wrong_state", "邀请码已被使用或已过期")
        if not await store.is_viewer(tx, patient_id, user_id):
            await store.lock_patient(tx, patient_id)
            if await store.count_viewers(tx, patient_id) >= self._viewers_per_patient:
                raise Refused("wrong_state", f"每位就诊人最多{self._viewers_per_patient}位家属")
        if await store.add_viewer(tx, patient_id, user_id, may_chat=invite["may_chat"], at=at):
            await self._facts.record(tx, ViewerJoined(patient_id, user_id, invite["may_chat"]))

    async def list_viewers(self, call: Call, command: ListViewers) -> dict[str, Any]:
        """All of them, in the order of joining; they are few."""
        async with self._database.read() as tx:
            await self._own(tx, call, command.patient_id)
            rows = await store.viewers_of(tx, command.patient_id)
        items = [
            {
                "user_id": row["user_id"],
                "username": row["username"],
                "phone_masked": mask_phone(row["phone"]),
                "may_chat": row["may_chat"],
                "joined_at": shanghai_text(row["joined_at"]),
            }
            for row in rows
        ]
        return {"items": items, "next_cursor": None}

    async def remove_viewer(self, call: Call, command: RemoveViewer) -> dict[str, Any]:
        """Ends a relative's access; 404 for who is none."""

        async def body(tx: Transaction) -> dict[str, Any]:
            await self._own(tx, call, command.patient_id)
            if not await store.remove_viewer(tx, command.patient_id, command.user_id):
                raise Refused("not_found")
            await self._facts.record(tx, ViewerRemoved(command.patient_id, command.user_id))
            return {"patient_id": command.patient_id, "user_id": command.user_id}

        return await self._units.run(call, body)

    async def _own(self, tx: Transaction, call: Call, patient_id: str) -> None:
        if await store.own_patient(tx, patient_id, user_id=call.user.user_id) is None:
            raise Refused("not_found")
