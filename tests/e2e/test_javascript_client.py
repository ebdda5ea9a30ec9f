"""The official JavaScript client against the program, run by Node."""
import json
import subprocess

import pytest

from tests.e2e.node import JAVASCRIPT
from tests.e2e.people import log_in
from tests.e2e.ward import PASSWORD

_RUNS_WITHIN_S = 60


@pytest.fixture(scope="module", params=["json", "protobuf"])
def seen(request, served, ward, node):
    """What the JavaScript client saw on its journey, in each encoding that it speaks."""
    person = log_in(ward.family.caller, ward.family.phone, PASSWORD)
    asked = {
        "encoding": request.param, "url": served.url, "token": person.token, "refresh_token": person.refresh_token,
        "dying_token": ward.aged(person, left_s=2), "channel": ward.channel, "order_id": ward.order_id,
        "other_token": ward.carer.token,
    }
    done = subprocess.run(
        [node, "journey.mjs", json.dumps(asked)], cwd=JAVASCRIPT, timeout=_RUNS_WITHIN_S, capture_output=True
    )
    assert done.stdout, done.stderr.decode()[-2_000:]
    seen = json.loads(done.stdout)
    assert "failed" not in seen, seen
    return seen


def test_it_connects_and_has_its_own_channel(seen, ward):
    assert (seen["connected"], seen["serverSide"]) == ("websocket", f"user:{ward.family.user_id}")


def test_it_follows_the_order_and_hears_what_is_said(seen):
    assert seen["subscribed"] == {"recoverable": True}
    assert seen["publications"][0] == {"offset": seen["rpc"]["offset"], "text": "第一句"}


def test_it_recovers_what_it_missed_once_and_in_order(seen):
    assert seen["recovered"] == {"wasRecovering": True, "recovered": True}
    offsets = [one["offset"] for one in seen["publications"]]
    assert offsets == list(range(offsets[0], offsets[0] + 3))
    assert [one["text"] for one in seen["publications"]] == ["第一句", "断线时的一句", "断线时的又一句"]


def test_it_reads_history_newest_first(seen):
    assert seen["history"] == {
        "top": seen["publications"][-1]["offset"], "publications": seen["publications"][::-1],
    }


def test_it_sees_who_is_there_and_who_comes_and_goes(seen, ward):
    presence = seen["presence"]
    assert sorted(presence.pop("users")) == sorted([ward.family.user_id, ward.carer.user_id])
    assert presence == {"numUsers": 2, "joined": ward.carer.user_id, "isListed": True, "left": True}


def test_it_reads_refusals(seen):
    assert seen["refused"] == {"code": 422, "message": "invalid:msg_id"}
    assert seen["unknownMethod"] == {"code": 104, "message": "method not found"}
    assert seen["publish"]["code"] == 103 and seen["foreign"] == 103


def test_it_renews_a_dying_token_without_losing_the_connection(seen):
    assert seen["renewed"] == {"asks": 1, "interruptions": 0, "state": "connected"}


def test_it_stops_for_good_at_a_logout(seen):
    assert (seen["ended"]["code"], seen["ended"]["state"]) == (3503, "disconnected") and seen["ended"]["reason"]
