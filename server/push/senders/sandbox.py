"""Stands in for a carrier: keeps what it would send."""

from collections.abc import Mapping

from server.core.clock import server_now
from server.push.store_sandbox import keep_message
from server.storage.sql import Database


class SandboxSender:
    """Implements `Sender`; `channel` ("sms" or "wechat") is what it stands in for."""

    knows_once_key = True

    def __init__(self, *, database: Database, channel: str) -> None:
        self._database = database
        self._channel = channel

    async def send(
        self,
        recipient: str,
        *,
        template: str,
        text: str,
        params: Mapping[str, str],
        code: str | None,
        once_key: str,
    ) -> None:
        await self._database.write(
            lambda tx: keep_message(
                tx,
                channel=self._channel,
                recipient=recipient,
                template=template,
                text=text,
                code=code,
                once_key=once_key,
                at=server_now(),
            )
        )
