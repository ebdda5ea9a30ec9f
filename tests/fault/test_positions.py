"""P14: messages of two processes get positions without a gap, and everybody receives them in order."""

import asyncio
import uuid
from itertools import count

import pytest

from tests.fault.business import business
from tests.fault.history import read_history
from tests.fault.test_histories import IS_LONG

pytestmark = [pytest.mark.slow, pytest.mark.services]

_MESSAGES = 10_000 if IS_LONG else 500
_SENDERS = 4  # a side of each visit
_TWICE_EVERY = 5  # so many are sent at both instances at once, as somebody does who got no answer


async def _send(person, order_id, urls, numbers):
    """Message after message, at the instances in turn, until the numbers are used up."""
    for number in numbers:
        if number >= _MESSAGES:
            return
        body = {"order_id": order_id, "msg_id": uuid.uuid4().hex, "kind": "text", "text": f"第{number}条"}
        places = urls if number % _TWICE_EVERY == 0 else [urls[number % len(urls)]]
        answers = await asyncio.gather(*(person.do("chat.send", body, at=url) for url in places))
        assert all(one.is_ok for one in answers), answers
        assert len({one.data["offset"] for one in answers}) == 1, "one message, one place"


@pytest.mark.timeout(1_800 if IS_LONG else 300)
async def test_what_two_processes_say_at_once_has_one_order_for_everybody(clustered, history, tmp_path):
    cluster, _ = clustered
    urls = [one.url for one in cluster.instances]
    async with business(cluster, history, tmp_path, seed=14, gives_up=0.0) as crowd:
        await crowd.end()  # nobody else says anything
        listeners = [
            (family.person.listener(at=url, name=f"{family.person.name} at {url}"), order_id)
            for family, _, order_id in crowd.visits
            for url in urls
        ]
        await crowd.market.connect(*(listener for listener, _ in listeners))
        for listener, order_id in listeners:
            listener.follow(f"order:{order_id}")
        staying = [asyncio.create_task(person.stay_logged_in()) for person in crowd.market.people]
        numbers = count()
        await asyncio.gather(
            *(
                _send(who.person, order_id, urls, numbers)
                for family, caregiver, order_id in crowd.visits
                for who in (family, caregiver)
                for _ in range(_SENDERS)
            )
        )
        for task in staying:
            task.cancel()
    records = read_history(tmp_path / "history.jsonl")
    heard = {listener.places.known[f"order:{order_id}"] for listener, order_id in listeners}
    assert len(heard) == len(crowd.visits), "both listeners of a visit stand at one place"
    sent = {record["body"]["msg_id"] for record in records if record["kind"] == "op" and record["name"] == "chat.send"}
    assert len(sent) >= _MESSAGES
    print(f"P14 {len(sent)} messages, {history.counts['received']} received")
