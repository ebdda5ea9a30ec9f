"""A family with an accepted order, for tests of live connections."""
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from server.core.clock import server_now
from server.identity.tokens import LIFETIME_S, AccessTokens, SigningKeys
from tests.e2e.people import People, Person, Visits
from tests.e2e.server import Served

PASSWORD = "peihu-demo-2026"


@dataclass
class Ward:
    """A family with an accepted order, its caregiver, a caregiver who has nothing to do with it."""

    visits: Visits
    family: Person
    carer: Person
    stranger: Person
    order_id: str
    tokens: AccessTokens

    @property
    def channel(self) -> str:
        return f"order:{self.order_id}"

    def message(self, text: str) -> dict[str, Any]:
        return {"order_id": self.order_id, "msg_id": uuid.uuid4().hex, "kind": "text", "text": text}

    def aged(self, person: Person, *, left_s: int) -> str:
        """A genuine token of the person's login, issued so long ago that `left_s` seconds are left."""
        login_id = self.tokens.read(person.token, now=server_now()).login_id
        issued_at = server_now() - timedelta(seconds=LIFETIME_S - left_s)
        return self.tokens.issue(
            user_id=person.user_id, user_type=person.user_type, login_id=login_id, now=issued_at
        )


@pytest.fixture(scope="module")
def ward(served: Served, people: People) -> Ward:
    family = people.one_of("patient", 0)
    visits = Visits(people, family)
    order, carer = visits.accepted(hours_ahead=2, among=people.all_of("caregiver"))
    stranger = next(one for one in people.all_of("caregiver") if one is not carer)
    tokens = AccessTokens(keys=SigningKeys((served.data_dir / "jwt_secret").read_text().strip()))
    return Ward(visits, family, carer, stranger, order["order_id"], tokens)
