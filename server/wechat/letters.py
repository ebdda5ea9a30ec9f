"""What WeChat posts to us: proven, opened, read.

A letter is believed when its signature is right, it is fresh, and (for an encrypted one) it was sealed for
our app. wechatpy opens the seal; what it does with hostile input is caught here, because it raises whatever
its libraries raise.
"""

import hmac
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.parsers.expat import ExpatError

import xmltodict
from wechatpy.crypto import WeChatCrypto
from wechatpy.exceptions import WeChatException
from wechatpy.utils import WeChatSigner

from server.core.clock import server_now

_FRESH_S = 300  # a letter that is older was kept by somebody
_LETTER_BYTES = 65_536


class NotGenuine(Exception):
    """It was not WeChat that wrote this, or not to us."""


@dataclass(frozen=True, slots=True)
class TemplateReport:
    """WeChat tells what became of a template message (event TEMPLATESENDJOBFINISH)."""

    receipt: str  # the msgid that it was given when it was sent
    delivered: bool
    reason: str  # "success", "failed:user block", "failed: system failed"


class WeChatLetterbox:
    """Reads what arrives at the address that was told to WeChat, in plain or in encrypted mode."""

    def __init__(self, *, app_id: str, token: str, aes_key: str) -> None:
        self._token = token
        self._crypto = WeChatCrypto(token, aes_key, app_id) if aes_key else None

    def greet(self, asked: Mapping[str, str]) -> str:
        """The `echostr` with which WeChat wants to be answered when the address is entered. Raises NotGenuine."""
        self._require_signature(asked, "signature")
        return asked.get("echostr", "")

    def read(self, asked: Mapping[str, str], body: bytes) -> TemplateReport | None:
        """What a letter says; None for those that are not for us to know. Raises NotGenuine."""
        if len(body) > _LETTER_BYTES:
            raise NotGenuine()
        if self._crypto is None:
            self._require_signature(asked, "signature")
        letter = self._parsed(body)
        if self._crypto is not None:
            letter = self._parsed(self._opened(letter, asked).encode())
        if letter.get("MsgType") != "event" or letter.get("Event") != "TEMPLATESENDJOBFINISH":
            return None
        receipt, status = letter.get("MsgID"), letter.get("Status")
        if not isinstance(receipt, str) or not isinstance(status, str):
            return None
        return TemplateReport(receipt[:64], status == "success", status[:64])

    def _opened(self, letter: Mapping[str, Any], asked: Mapping[str, str]) -> str:
        sealed = letter.get("Encrypt")
        if not isinstance(sealed, str):
            raise NotGenuine()
        self._require_signature(asked, "msg_signature", sealed)
        told = (asked["msg_signature"], asked["timestamp"], asked["nonce"])
        try:
            return self._crypto.decrypt_message({"Encrypt": sealed}, *told)  # type: ignore[union-attr]
        except (WeChatException, ValueError, LookupError, struct.error):
            raise NotGenuine() from None  # a foreign key or another app's letter ends in any of these

    def _require_signature(self, asked: Mapping[str, str], name: str, *more: str) -> None:
        timestamp, nonce, signature = asked.get("timestamp", ""), asked.get("nonce", ""), asked.get(name, "")
        if not (timestamp.isascii() and timestamp.isdigit()) or len(timestamp) > 10:
            raise NotGenuine()
        signer = WeChatSigner()
        signer.add_data(self._token, timestamp, nonce, *more)
        if not hmac.compare_digest(signer.signature.encode(), signature.encode()):
            raise NotGenuine()
        if abs(server_now().timestamp() - int(timestamp)) > _FRESH_S:
            raise NotGenuine()

    @staticmethod
    def _parsed(body: bytes) -> dict[str, Any]:
        try:
            root = xmltodict.parse(body).get("xml")
        except (ExpatError, ValueError):  # ValueError: entities, which are refused, or not UTF-8
            raise NotGenuine() from None
        if not isinstance(root, dict):
            raise NotGenuine()
        return root
