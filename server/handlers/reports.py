"""The carriers' door: what became of our messages."""

import hmac
import json
from typing import Any

from tornado.web import HTTPError, URLSpec

from server.handlers.http.base import EdgeHandler
from server.handlers.http.edge import Edge
from server.push.reports import DeliveryReports
from server.wechat.letters import NotGenuine, WeChatLetterbox

WECHAT_PATH = "/api/wechat/letters"
SMS_PATH = "/api/sms/report/"  # + the key that the provider was told with the address
_LETTER_BYTES = 65_536
_REPORTS_AT_ONCE = 500


class WeChatLettersHandler(EdgeHandler):
    """GET: WeChat's greeting when the address is entered there. POST: its letters, of which we read reports."""

    methods = ("GET", "POST")
    route = WECHAT_PATH
    letterbox: WeChatLetterbox
    reports: DeliveryReports

    def initialize(self, *, edge: Edge, letterbox: WeChatLetterbox, reports: DeliveryReports, **_: Any) -> None:
        super().initialize(edge=edge)
        self.letterbox, self.reports = letterbox, reports

    def body_limit_bytes(self) -> int:
        return _LETTER_BYTES

    async def admit(self) -> None:
        """The signature is the admission."""

    async def serve(self, **path_values: str) -> None:
        asked = {name: values[-1].decode("utf-8", "replace") for name, values in self.request.query_arguments.items()}
        try:
            if self.request.method == "GET":
                return self.finish_with(self.letterbox.greet(asked).encode(), "text/plain; charset=utf-8")
            report = self.letterbox.read(asked, self.received)
        except NotGenuine:
            raise HTTPError(403) from None
        if report is not None:
            work = self.reports.take_wechat(report.receipt, delivered=report.delivered, reason=report.reason)
            if not await self.edge.use_cases.run("wechat.report", work, request_id=self.request_id):
                raise HTTPError(503)  # it came before we had written down that it was sent; WeChat says it again
        self.finish_with(b"success", "text/plain; charset=utf-8")


class SmsReportHandler(EdgeHandler):
    """Alibaba Cloud's SmsReport: a JSON list. It is not signed, so the address itself has a key in it."""

    methods = ("POST",)
    route = SMS_PATH + "{key}"
    report_key: str
    reports: DeliveryReports

    def initialize(self, *, edge: Edge, report_key: str, reports: DeliveryReports, **_: Any) -> None:
        super().initialize(edge=edge)
        self.report_key, self.reports = report_key, reports

    def body_limit_bytes(self) -> int:
        return _LETTER_BYTES * 4

    async def admit(self) -> None:
        if not hmac.compare_digest(self.path_kwargs["key"].encode(), self.report_key.encode()):
            raise HTTPError(404)

    async def serve(self, **path_values: str) -> None:
        for report in _reports(self.received):
            work = self.reports.take_sms(
                str(report.get("out_id", "")),
                delivered=report.get("success") is True,
                reason=str(report.get("err_code", "")),
            )
            await self.edge.use_cases.run("sms.report", work, request_id=self.request_id)
        self.finish_with(b'{"code":0,"msg":"ok"}', "application/json; charset=utf-8")


def _reports(body: bytes) -> list[dict[str, Any]]:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        raise HTTPError(400) from None
    if not isinstance(told, list) or len(told) > _REPORTS_AT_ONCE:
        raise HTTPError(400)
    return [one for one in told if isinstance(one, dict)]


def report_routes(
    reports: DeliveryReports, edge: Edge, *, letterbox: WeChatLetterbox | None, sms_report_key: str
) -> list[URLSpec]:
    """A door for each carrier that was given one."""
    given: dict[str, Any] = {"edge": edge, "reports": reports}
    routes = []
    if letterbox is not None:
        routes.append(URLSpec(WECHAT_PATH, WeChatLettersHandler, given | {"letterbox": letterbox}))
    if sms_report_key:
        pattern = SMS_PATH + "(?P<key>[A-Za-z0-9_-]{32,128})"
        routes.append(URLSpec(pattern, SmsReportHandler, given | {"report_key": sms_report_key}))
    return routes
