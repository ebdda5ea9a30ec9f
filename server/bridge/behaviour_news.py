"""Logins become behaviour events of those who agreed to it."""
from server.core.facts import Facts
from server.identity.facts import LoggedIn
from server.insight.behaviour import Behaviour
from server.storage.transaction import Transaction


class BehaviourNews:
    """In-transaction reactions of insight."""

    def __init__(self, *, behaviour: Behaviour) -> None:
        self._behaviour = behaviour

    def listen(self, facts: Facts) -> None:
        facts.on(LoggedIn, self._logged_in)

    async def _logged_in(self, tx: Transaction, fact: LoggedIn) -> None:
        await self._behaviour.record_login(tx, fact.user_id, fact.at)
