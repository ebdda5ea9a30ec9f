"""Past cases, shown once the family agrees."""

import json
import re
from collections.abc import Iterable
from typing import Any

from server.core.call import Call
from server.core.clock import SHANGHAI, BusinessClock, shanghai_text
from server.core.errors import Refused, invalid
from server.core.ids import new_id
from server.roster.showcase import queries_page
from server.roster.showcase.commands import AnswerCase, PublishCase, ReadCase
from server.roster.store_marks import mark_page
from server.storage.sql import Database
from server.storage.transaction import Transaction
from server.storage.unit_of_work import UnitOfWork

_LONG_NUMBER = re.compile(r"[0-9０-９](?:[\s\-]?[0-9０-９]){6,}")  # a phone, an ID or a case number
_SHORTEST_NAME = 2  # a single character is found in any text


class PastCases:
    """Use cases of both sides of a finished order."""

    def __init__(self, *, database: Database, units: UnitOfWork, clock: BusinessClock) -> None:
        self._database = database
        self._units = units
        self._clock = clock

    async def publish_case(self, call: Call, command: PublishCase) -> dict[str, Any]:
        """`case_id`; one an order. 404 for another's order, 409 before it is completed or a second time."""

        async def body(tx: Transaction) -> dict[str, Any]:
            order = await queries_page.served_order(tx, command.order_id, user_id=call.user.user_id)
            if order is None:
                raise Refused("not_found")
            if order["status"] != "completed":
                raise Refused("wrong_state", "订单完成后才能发布服务案例")
            _refuse_names("summary", [command.summary], order=order)
            _refuse_names("condition_tags", command.condition_tags, order=order)
            row = {
                "case_id": new_id(),
                "caregiver_id": order["caregiver_id"],
                "order_id": order["order_id"],
                "service_type": order["service_type"],
                "summary": command.summary,
                "condition_tags": json.dumps(command.condition_tags, ensure_ascii=False),
                "duration_minutes": order["duration_minutes"],
                "month": order["completed_at"].astimezone(SHANGHAI).strftime("%Y-%m"),
                "created_at": self._clock.now(),
            }
            if not await queries_page.add_case(tx, row):
                raise Refused("wrong_state", "该订单已发布过服务案例")
            return {"case_id": row["case_id"]}

        return await self._units.run(call, body)

    async def answer_case(self, call: Call, command: AnswerCase) -> dict[str, Any]:
        """The family agrees, refuses, or changes its mind; the page follows at once."""

        async def body(tx: Transaction) -> dict[str, Any]:
            case = await queries_page.case_for_family(tx, user_id=call.user.user_id, case_id=command.case_id)
            if case is None:
                raise Refused("not_found")
            await queries_page.answer_case(tx, command.case_id, agree=command.agree, at=self._clock.now())
            await mark_page(tx, case["caregiver_id"])
            return {"case_id": command.case_id, "agree": command.agree}

        return await self._units.run(call, body)

    async def read_case(self, call: Call, command: ReadCase) -> dict[str, Any]:
        """The case of an order that the asking account booked, so that it can judge it."""
        async with self._database.read() as tx:
            case = await queries_page.case_for_family(tx, user_id=call.user.user_id, order_id=command.order_id)
        if case is None:
            raise Refused("not_found")
        return {
            "case_id": case["case_id"],
            "order_id": case["order_id"],
            "summary": case["summary"],
            "condition_tags": json.loads(case["condition_tags"]),
            "consented_at": shanghai_text(case["consented_at"]),
            "refused_at": shanghai_text(case["refused_at"]),
        }


def _refuse_names(field: str, texts: Iterable[str], *, order: Any) -> None:
    for text in texts:
        name = order["patient_name"]
        if len(name) >= _SHORTEST_NAME and name in text:
            raise invalid(field, "案例中不能出现患者姓名", code="identifies_patient")
        if _LONG_NUMBER.search(text):
            raise invalid(field, "案例中不能出现电话、证件号等号码", code="identifies_patient")
