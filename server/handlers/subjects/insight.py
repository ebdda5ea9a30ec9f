"""Behaviour reports over HTTP (contract.md §7)."""

from server.core.operation import EVERYONE, Operation
from server.insight.behaviour import Behaviour
from server.insight.commands import ReportEvents


def insight_operations(*, behaviour: Behaviour) -> list[Operation]:
    return [
        Operation(
            "POST",
            "/api/event/report",
            ReportEvents,
            behaviour.report_events,
            EVERYONE,
            "上报页面浏览，未同意行为统计时不保存",
        )
    ]
