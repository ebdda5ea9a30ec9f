"""The official JavaScript client over HTTP, run by Node."""
import json
import subprocess

import pytest

from tests.e2e.node import JAVASCRIPT
from tests.e2e.people import log_in
from tests.e2e.ward import PASSWORD

_RUNS_WITHIN_S = 60
_TRANSPORTS = [("http_stream", "json"), ("http_stream", "protobuf"), ("sse", "json")]


@pytest.fixture(scope="module", params=_TRANSPORTS, ids=" in ".join)
def seen(request, served, ward, node):
    """What the client saw on its journey over one transport, in one encoding."""
    person = log_in(ward.family.caller, ward.family.phone, PASSWORD)
    transport, encoding = request.param
    asked = {
        "transport": transport, "encoding": encoding, "url": served.url, "token": person.token,
        "refresh_token": person.refresh_token, "dying_token": ward.aged(person, left_s=2),
        "channel": ward.channel, "order_id": ward.order_id,
    }
    done = subprocess.run(
        [node, "fallback.mjs", json.dumps(asked)], cwd=JAVASCRIPT, timeout=_RUNS_WITHIN_S, capture_output=True
    )
    assert done.stdout, done.stderr.decode()[-2_000:]
    seen = json.loads(done.stdout)
    assert "failed" not in seen, (seen, done.stderr.decode()[-2_000:])
    return seen | {"asked": transport}


def test_it_connects_without_a_websocket(seen, ward):
    assert (seen["connected"], seen["serverSide"]) == (seen["asked"], f"user:{ward.family.user_id}")


def test_it_follows_calls_and_hears(seen):
    assert seen["subscribed"] == {"recoverable": True} and seen["numUsers"] == 1
    assert seen["publications"][0] == {"offset": seen["rpc"]["offset"], "text": "第一句"}
    assert seen["unknownMethod"] == {"code": 104, "message": "method not found"}


def test_it_recovers_what_it_missed_once_and_in_order(seen):
    assert seen["recovered"] == {"wasRecovering": True, "recovered": True}
    offsets = [one["offset"] for one in seen["publications"]]
    assert offsets == list(range(offsets[0], offsets[0] + 3))
    assert [one["text"] for one in seen["publications"]] == ["第一句", "断线时的一句", "断线时的又一句"]
    assert seen["history"] == offsets[::-1]


def test_it_renews_a_dying_token_without_losing_the_connection(seen):
    assert seen["renewed"] == {"asks": 1, "interruptions": 0, "state": "connected"}


def test_it_stops_for_good_at_a_logout_and_every_message_was_taken(seen):
    assert (seen["ended"]["code"], seen["ended"]["state"]) == (3503, "disconnected") and seen["ended"]["reason"]
    assert seen["statuses"] == [204]
