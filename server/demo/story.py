"""Plays the main job against a running server and checks it.

`run.py story`: invitation, order, payment, race of two caregivers, chat, service with notes through a cut
wire, confirmation, review. Only the public HTTP contract and the official live client are used.
"""
import asyncio
import logging
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from rich.console import Console

from server.demo.tale.booking import book, invite_relative, let_the_carer_in, open_channels, pay, race, watch
from server.demo.tale.care import chat, compare_timelines, cut_and_recover, finish, start, write_notes
from server.demo.tale.cast import Tale, gather_cast
from server.demo.tale.ending import confirm, read_income, read_notices, review
from server.demo.tale.player import Server
from server.demo.tale.stage import Broken, Stage
from server.demo.tale.wire import Wire

_LONGEST_S = 180  # the whole story takes seconds; beyond this something hangs

_ACTS: tuple[tuple[str, tuple[Callable[[Tale], Awaitable[None]], ...]], ...] = (
    ("众人上线", (invite_relative, open_channels)),
    ("下单与支付", (book, watch, pay)),
    ("抢单：恰好一人", (race, let_the_carer_in)),
    ("沟通", (chat,)),
    ("开始服务", (start,)),
    ("服务记录实时到家", (write_notes,)),
    ("断网与补发", (cut_and_recover,)),
    ("结束、确认、评价", (finish, confirm, review)),
    ("对账", (compare_timelines, read_notices, read_income)),
)


async def tell(url: str, *, console: Console) -> int:
    """Play the story against the server at `url`; 0 when every expectation held, else 1 with a sentence."""
    logging.getLogger("centrifuge").setLevel(logging.CRITICAL)  # the cut wire is part of the story
    stage = Stage(console)
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        stage.torn(f"需要形如 http://127.0.0.1:8000 的地址，得到的是 {url}")
        return 1
    wire = Wire(host=parts.hostname, port=parts.port or 80)
    try:
        async with asyncio.timeout(_LONGEST_S):
            await _play(Server(url), stage, wire=wire)
    except Broken as broken:
        stage.torn(str(broken))
        return 1
    except TimeoutError:
        stage.torn(f"{_LONGEST_S} 秒内没有讲完")
        return 1
    stage.curtain()
    return 0


async def _play(server: Server, stage: Stage, *, wire: Wire) -> None:
    stage.act("人物与时间")
    tale = await gather_cast(server, stage, wire=wire)
    try:
        for title, steps in _ACTS:
            stage.act(title)
            for step in steps:
                await step(tale)
    finally:
        await asyncio.gather(*(
            player.disconnect() for player in (tale.admin, tale.family, tale.relative, *tale.candidates)
        ))
        await wire.close()
