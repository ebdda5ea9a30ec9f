"""When what was queued leaves."""

import asyncio

from server.ws.outbound import Turn


class Receiver:
    """As much of `Outbound` as a turn touches."""

    def __init__(self) -> None:
        self.queued: list[bytes] = []
        self.sends: list[bytes] = []

    def flush(self) -> None:
        self.sends.append(b"".join(self.queued))
        self.queued.clear()


async def test_publications_of_different_steps_share_a_send_where_many_receive():
    turn, receivers = Turn(), [Receiver() for _ in range(100)]
    for frame in (b"1", b"2", b"3"):
        turn.put_all(receivers, frame)
        await asyncio.sleep(0)
    for _ in range(20):
        await asyncio.sleep(0)
    assert {tuple(receiver.sends) for receiver in receivers} == {(b"123",)}


async def test_where_few_receive_nothing_waits_for_more():
    turn, receivers = Turn(), [Receiver() for _ in range(10)]
    turn.put_all(receivers, b"1")
    await asyncio.sleep(0)
    assert {tuple(receiver.sends) for receiver in receivers} == {(b"1",)}


async def test_what_comes_after_a_send_leaves_with_the_next_one():
    turn, receivers = Turn(), [Receiver() for _ in range(100)]
    for frame in (b"1", b"2"):
        turn.put_all(receivers, frame)
        for _ in range(20):
            await asyncio.sleep(0)
    assert {tuple(receiver.sends) for receiver in receivers} == {(b"1", b"2")}
