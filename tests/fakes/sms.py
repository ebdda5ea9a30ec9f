"""Alibaba Cloud's SMS service as far as we ask it: it checks the signature and refuses what the real one refuses.

Written from help.aliyun.com (SendSms, "V3版本请求体&签名机制", "API 错误码"), not from our client.
"""
import hashlib
import hmac
import json
import re
from collections import Counter
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote

from tests.fakes.provider import Provider, ProviderHandler

ACCESS_KEY, SECRET, SIGN_NAME = "LTAI0000000000000001", "s" * 30, "陪护"


class FakeAliyun(Provider):
    """`templates`: code -> the variables that it needs; `messages`: what was sent, newest last."""

    def __init__(self):
        super().__init__()
        self.templates = {}
        self.messages = []
        self.nonces = set()
        self.balance = 1_000_000
        self.stop_list = set()
        self.per_minute = Counter()
        self.minute_limit = 1_000

    def to(self, phone):
        return [message for message in self.messages if message["phone"] == phone]

    def reports(self, *, success=True, code="DELIVERED"):
        """The JSON list that is posted to us about all that was sent."""
        return json.dumps(
            [
                {
                    "phone_number": message["phone"], "send_time": "2026-11-23 08:00:00",
                    "report_time": "2026-11-23 08:00:03", "success": success, "err_code": code,
                    "err_msg": "", "sms_size": "1", "biz_id": message["biz_id"], "out_id": message["out_id"],
                }
                for message in self.messages
            ]
        ).encode()

    def routes(self):
        return [(r"/", SendSms, {"provider": self})]


class SendSms(ProviderHandler):
    def post(self):
        refusal = self._unproven() or self._refusal(dict(parse_qsl(self.request.query, keep_blank_values=True)))
        if refusal is not None:
            status, code, message = refusal
            self.set_status(status)
            self.finish({"Code": code, "Message": message, "RequestId": "F655A8D5-B967-440B-8683-DAD6FF8DE990"})
            return
        asked = dict(parse_qsl(self.request.query, keep_blank_values=True))
        biz_id = f"9006197469364984{len(self.provider.messages):02d}^0"
        self.provider.balance -= 1
        self.provider.messages.append(
            {
                "phone": asked["PhoneNumbers"], "template": asked["TemplateCode"], "out_id": asked.get("OutId"),
                "params": json.loads(asked["TemplateParam"]), "sign": asked["SignName"], "biz_id": biz_id,
            }
        )
        self.finish({"Code": "OK", "Message": "OK", "BizId": biz_id, "RequestId": "F655A8D5-B967-440B-8683"})

    def _unproven(self):
        """What is wrong with the proof, or None."""
        found = re.fullmatch(
            r"ACS3-HMAC-SHA256 Credential=([^,]+),SignedHeaders=([^,]+),Signature=([0-9a-f]{64})",
            self.request.headers.get("Authorization", ""),
        )
        if found is None:
            return 400, "IncompleteSignature", "The request signature does not conform to Aliyun standards."
        access_key, names, signature = found.groups()
        if access_key != ACCESS_KEY:
            return 404, "InvalidAccessKeyId.NotFound", "Specified access key is not found."
        headers = self.request.headers
        wanted = {name.lower() for name in headers if name.lower().startswith("x-acs-")} | {"host"}
        if set(names.split(";")) != wanted or names.split(";") != sorted(names.split(";")):
            return 400, "IncompleteSignature", "SignedHeaders must have host and every x-acs-*."
        body_hash = hashlib.sha256(self.request.body).hexdigest()
        pairs = sorted(parse_qsl(self.request.query, keep_blank_values=True))
        canonical = "\n".join(
            [
                self.request.method,
                self.request.path,
                "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs),
                "".join(f"{name}:{headers[name].strip()}\n" for name in names.split(";")),
                names,
                body_hash,
            ]
        )
        to_sign = "ACS3-HMAC-SHA256\n" + hashlib.sha256(canonical.encode()).hexdigest()
        genuine = hmac.new(SECRET.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
        if headers["x-acs-content-sha256"] != body_hash or signature != genuine:
            return 400, "SignatureDoesNotMatch", "Specified signature is not matched with our calculation."
        at = datetime.strptime(headers["x-acs-date"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        if abs((datetime.now(UTC) - at).total_seconds()) > 900:
            return 400, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired."
        if headers["x-acs-signature-nonce"] in self.provider.nonces:
            return 400, "SignatureNonceUsed", "Specified signature nonce was used already."
        self.provider.nonces.add(headers["x-acs-signature-nonce"])
        if (headers["x-acs-action"], headers["x-acs-version"]) != ("SendSms", "2017-05-25"):
            return 404, "InvalidAction.NotFound", "Specified api is not found."
        return None

    def _refusal(self, asked):
        provider, phone = self.provider, asked.get("PhoneNumbers", "")
        needed = provider.templates.get(asked.get("TemplateCode"))
        if not re.fullmatch(r"1[3-9]\d{9}", phone):
            return 200, "isv.MOBILE_NUMBER_ILLEGAL", f"{phone}非法手机号"
        if asked.get("SignName") != SIGN_NAME:
            return 200, "isv.SMS_SIGNATURE_ILLEGAL", "该账号下找不到对应签名"
        if needed is None:
            return 200, "isv.SMS_TEMPLATE_ILLEGAL", "该账号下找不到对应模板"
        given = json.loads(asked.get("TemplateParam", "{}"))
        if set(needed) - given.keys():
            return 200, "isv.TEMPLATE_MISSING_PARAMETERS", "模板变量缺少对应参数值"
        if any(len(value) > 35 for value in given.values()):
            return 200, "isv.PARAM_LENGTH_LIMIT", "参数超过长度限制"
        if phone in provider.stop_list:
            return 200, "isv.BLACK_KEY_CONTROL_LIMIT", "黑名单管控"
        if provider.balance <= 0:
            return 200, "isv.AMOUNT_NOT_ENOUGH", "账户余额不足"
        provider.per_minute[phone] += 1
        if provider.per_minute[phone] > provider.minute_limit:
            return 200, "isv.BUSINESS_LIMIT_CONTROL", "触发分钟级流控Permits:1"
        return None
