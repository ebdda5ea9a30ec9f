"""What we ask of WeChat when somebody logs in through it."""

import hashlib
from typing import Protocol

from server.core.errors import Refused, Unavailable
from server.core.phone import mobile_number

_LONGEST_CODE = 128  # WeChat's own have 32; reliability.md §4E E60


class WeChatLogin(Protocol):
    """Turns WeChat's one-time codes into what they stand for.

    `exchange` and `phone_of` raise Refused("login_failed") for a code that WeChat does not (or no longer)
    know and Unavailable when WeChat does not answer within the adapter's deadline. A session key never
    leaves the adapter.
    """

    requires_state: bool  # whether a code of the official account comes with what `LoginStates` began

    async def exchange(self, code: str, app: str) -> str:
        """The openid behind a login code; `app` is "mini" (小程序) or "oa" (公众号)."""

    async def phone_of(self, phone_code: str) -> str:
        """The 11-digit mobile number that the user of the mini program shared."""

    def authorize_url(self, state: str) -> str:
        """Where a page inside WeChat goes for a code of the official account. Raises Unavailable."""


class SandboxWeChat:
    """Stands in where no credentials are: asks nobody and invents people from the code.

    The same code is always the same person, another app another one. A `phone_code` is the mobile number
    itself. Nothing here proves anything, therefore it exists in the sandbox only.
    """

    requires_state = False

    async def exchange(self, code: str, app: str) -> str:
        if len(code) > _LONGEST_CODE:
            raise Refused("login_failed")
        return f"sandbox-{hashlib.sha256(f'{app}/{code}'.encode()).hexdigest()[:24]}"

    async def phone_of(self, phone_code: str) -> str:
        phone = mobile_number(phone_code)
        if phone is None:
            raise Refused("login_failed")
        return phone

    def authorize_url(self, state: str) -> str:
        """Our own front page, as WeChat would come back to it."""
        return f"/?code=sandbox-{state[-16:]}&state={state}"


class NoWeChat:
    """Stands where production has no credentials: every WeChat login says that it cannot be had now."""

    requires_state = True

    async def exchange(self, code: str, app: str) -> str:
        raise Unavailable()

    async def phone_of(self, phone_code: str) -> str:
        raise Unavailable()

    def authorize_url(self, state: str) -> str:
        raise Unavailable()
