"""Text messages through Alibaba Cloud's SMS service.

The API is dysmsapi 2017-05-25, SendSms. It sends templates that it has approved, filled by name with the
variables of ours. `OutId` is our once key: it comes back in the delivery report, but the service does not
look for a second one, so it is asked once where that can be had (`knows_once_key`).
"""

import json
import logging
import re
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from server.core.breaker import Breaker
from server.core.clock import server_now
from server.core.errors import Unavailable
from server.push.senders.aliyun_signature import canonical_query, signed_headers
from server.push.senders.port import Rejected
from server.push.senders.posting import Post
from server.push.templates import FALLBACKS

_log = logging.getLogger(__name__)
_VALUE_CHARACTERS = 35  # of a variable; longer ones are refused with isv.PARAM_LENGTH_LIMIT
_SPACE = re.compile(r"\s+")
# The service's own trouble: the same message may go in a moment.
_PASSING = ("isp.SYSTEM_ERROR", "Throttling", "ServiceUnavailable", "InternalError", "RequestTimeout")
# The operator's: money, keys, rights, an approval that is missing. It goes as soon as somebody has seen to it.
_OURS = (
    "isv.AMOUNT_NOT_ENOUGH",
    "isv.OUT_OF_SERVICE",
    "isv.ACCOUNT_ABNORMAL",
    "isv.PRODUCT_UN_SUBSCRIPT",
    "isv.SMS_SIGNATURE_ILLEGAL",
    "isv.SMS_SIGN_ILLEGAL",
    "isv.DENY_IP_RANGE",
    "isv.DAY_LIMIT_CONTROL",
    "isv.MONTH_LIMIT_CONTROL",
    "isp.RAM_PERMISSION_DENY",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "SignatureNonceUsed",
    "InvalidTimeStamp",
    "Forbidden",
)
# One code for a number's minute, hour and day; only the minute is worth waiting for.
_FLOW_CONTROL = "isv.BUSINESS_LIMIT_CONTROL"
_A_MINUTES = "分钟"


class AliyunSms:
    """Implements `Sender`; `templates` has their template code by our template's name."""

    knows_once_key = False

    def __init__(
        self,
        *,
        base_url: str,
        access_key: str,
        secret: str,
        sign_name: str,
        templates: Mapping[str, str],
        post: Post,
        breaker: Breaker,
    ) -> None:
        self._base_url = base_url
        self._host = urlsplit(base_url).netloc
        self._access_key = access_key
        self._secret = secret
        self._sign_name = sign_name
        self._templates = templates
        self._post = post
        self._breaker = breaker

    async def send(
        self,
        recipient: str,
        *,
        template: str,
        text: str,
        params: Mapping[str, str],
        code: str | None,
        once_key: str,
    ) -> str | None:
        template_code = self._templates.get(template)
        if template_code is None:
            raise Rejected("no_template")
        given = {"code": code} if code is not None else _filled(params)
        query = {
            "PhoneNumbers": recipient,
            "SignName": self._sign_name,
            "TemplateCode": template_code,
            "TemplateParam": json.dumps(given, ensure_ascii=False),
            "OutId": once_key,
        }
        answer = await self._asked(query)
        if answer["Code"] != "OK":
            raise _problem(answer)
        receipt = answer.get("BizId")
        return receipt[:64] if isinstance(receipt, str) else None

    async def _asked(self, query: dict[str, str]) -> dict[str, Any]:
        self._breaker.enter()
        headers = signed_headers(
            access_key=self._access_key,
            secret=self._secret,
            host=self._host,
            action="SendSms",
            version="2017-05-25",
            query=query,
            at=server_now(),
            nonce=secrets.token_hex(16),
        )
        try:
            _, body = await self._post(f"{self._base_url}/?{canonical_query(query)}", headers)
            answer = _read(body)
        except Unavailable:
            self._breaker.failed()
            raise
        self._breaker.answered()
        return answer


def _filled(params: Mapping[str, str]) -> dict[str, str]:
    """Every variable with something in it and no longer than they take."""
    known = {name: value for name, value in params.items() if name in FALLBACKS or name == "period"}
    values = {name: _SPACE.sub(" ", value).strip() for name, value in known.items()}
    values = {name: value or FALLBACKS.get(name, "-") for name, value in values.items()}
    longest = _VALUE_CHARACTERS
    return {name: value if len(value) <= longest else value[: longest - 1] + "…" for name, value in values.items()}


def _read(body: bytes) -> dict[str, Any]:
    """What they answer has a `Code`, with any HTTP status. Raises Unavailable."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        raise Unavailable() from None
    if not isinstance(answer, dict) or not isinstance(answer.get("Code"), str):
        raise Unavailable()
    return answer


def _problem(answer: Mapping[str, Any]) -> Rejected | Unavailable:
    code, told = answer["Code"], str(answer.get("Message", ""))
    if code.startswith(_PASSING):
        return Unavailable()
    if code.startswith(_OURS):
        _log.error("the sms provider refuses us", extra={"code": code[:64]})
        return Unavailable(retry_after_s=60)
    if code == _FLOW_CONTROL and _A_MINUTES in told:
        return Unavailable(retry_after_s=60)
    return Rejected(code[:64])
