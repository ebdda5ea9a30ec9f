"""What is wished for on a connection to Redis, and which answer is whose: any order of wishes and answers."""

import asyncio
from collections import deque

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from server.storage.pubsub.subscriptions import PLAIN, Subscriptions, Unexpected

TOPICS = st.sampled_from([b"a1", b"a2", b"b1", b"b2"])


class Connection(RuleBasedStateMachine):
    """Redis answers each topic of each command in order, and hears what it has confirmed last."""

    def __init__(self):
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.subscriptions = Subscriptions(words=PLAIN, together=lambda topic: topic[:1])
        self.wanted: set[bytes] = set()
        self.heard: set[bytes] = set()  # by Redis, for us
        self.on_its_way = deque()
        self.waiting = []  # (topic, its future), of all wishes
        self.latest = {}  # the future of the last wish, by topic that is wanted

    def teardown(self):
        self.loop.close()

    @rule(topic=TOPICS)
    def subscribe(self, topic):
        async def wish():
            return self.subscriptions.subscribe(topic)

        self.wanted.add(topic)
        self.latest[topic] = self.loop.run_until_complete(wish())
        self.waiting.append((topic, self.latest[topic]))

    @rule(topic=TOPICS)
    def unsubscribe(self, topic):
        self.wanted.discard(topic)
        self.latest.pop(topic, None)
        self.subscriptions.unsubscribe(topic)

    @rule()
    def send(self):
        for word, *topics in self.subscriptions.commands():
            assert len({topic[:1] for topic in topics}) == 1
            self.on_its_way.extend((word, topic) for topic in topics)

    @precondition(lambda self: self.on_its_way)
    @rule()
    def answer(self):
        word, topic = self.on_its_way.popleft()
        (self.heard.add if word == "SUBSCRIBE" else self.heard.discard)(topic)
        done_before = {id(future) for _, future in self.waiting if future.done()}
        self.subscriptions.answered(word.lower().encode(), topic)
        for its_topic, future in self.waiting:
            if future.done() and id(future) not in done_before:
                assert its_topic == topic and future.result() == (word == "SUBSCRIBE")

    @precondition(lambda self: self.on_its_way)
    @rule(data=st.data())
    def answer_out_of_turn(self, data):
        word, topic = self.on_its_way[0]
        wrong = data.draw(st.sampled_from([(b"subscribe", b"zz"), (b"unsubscribe" if word == "SUBSCRIBE" else b"subscribe", topic)]))
        with pytest.raises(Unexpected):
            self.subscriptions.answered(*wrong)

    @invariant()
    def what_is_confirmed_is_heard_until_it_is_let_go_of(self):
        for topic, future in self.latest.items():
            assert not future.done() or (future.result() and topic in self.heard)

    @invariant()
    def when_nothing_is_on_its_way_redis_has_what_is_wanted(self):
        if not len(self.subscriptions):
            assert self.heard == self.wanted
            assert all(future.done() for _, future in self.waiting)


TestConnection = Connection.TestCase
TestConnection.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


def test_what_nobody_asked_for_is_unexpected():
    with pytest.raises(Unexpected):
        Subscriptions(words=PLAIN, together=lambda _: b"").answered(b"sunsubscribe", b"a")


async def test_at_the_end_whoever_waits_is_told():
    subscriptions = Subscriptions(words=PLAIN, together=lambda _: b"")
    sent = subscriptions.subscribe(b"a")
    subscriptions.commands()
    unsent = subscriptions.subscribe(b"b")
    subscriptions.end()
    assert (sent.result(), unsent.result()) == (False, False)
