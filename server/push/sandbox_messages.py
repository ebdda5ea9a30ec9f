"""Shows in the sandbox what would have been sent."""

from typing import Any

from server.core.call import Call
from server.core.clock import shanghai_text
from server.push.commands import ReadSandboxMessages
from server.push.store_sandbox import kept_messages
from server.storage.sql import Database

_SHOWN = 200


class SandboxMessages:
    """The use case behind GET `/sandbox/messages`."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def list_messages(self, call: Call, command: ReadSandboxMessages) -> list[dict[str, Any]]:
        """[{"channel", "to", "template", "text", "code", "at"}], newest first, at most 200."""
        async with self._database.read() as tx:
            rows = await kept_messages(tx, command.phone, _SHOWN)
        return [
            {
                "channel": row["channel"],
                "to": row["recipient"],
                "template": row["template"],
                "text": row["text"],
                "code": row["code"],
                "at": shanghai_text(row["at"]),
            }
            for row in rows
        ]
