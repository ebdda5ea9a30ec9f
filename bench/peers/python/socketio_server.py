"""A python-socketio server: rooms, and a call told to a room."""

import secrets
import sys
from datetime import datetime, timedelta, timezone
from typing import Any

import socketio
from aiohttp import web

_SHANGHAI = timezone(timedelta(hours=8))
sio = socketio.AsyncServer(async_mode="aiohttp", transports=["websocket"])
users: dict[str, str] = {}


@sio.event
async def hello(sid: str, about: dict[str, Any]) -> str:
    users[sid] = about["user"]
    for name in about["channels"]:
        await sio.enter_room(sid, name)
    return "ok"


@sio.on("chat.typing")
async def chat_typing(sid: str, about: dict[str, Any]) -> str:
    channel = about["channel"]
    await sio.emit("push", {"channel": channel, "pub": {"data": typing(users[sid])}}, room=channel)
    return "ok"


def typing(user: str) -> dict[str, Any]:
    """The event that our own server makes of the call: the same fields, the same size."""
    at = datetime.now(_SHANGHAI).isoformat(timespec="milliseconds")
    return {"type": "chat.typing", "id": secrets.token_hex(13), "at": at, "data": {"user_id": user}}


def main() -> None:
    app = web.Application()
    sio.attach(app)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=lambda _: print("listening", flush=True))


if __name__ == "__main__":
    main()
