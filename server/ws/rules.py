"""What kind each channel is (contract §8)."""

from collections.abc import Mapping
from dataclasses import dataclass

from server.core.channels import parse_channel, user_channel
from server.ws.ports import Identity


@dataclass(frozen=True, slots=True)
class ChannelRule:
    """A recoverable channel has positions; one with presence tells who is there, and joins and leaves."""

    recoverable: bool = True
    presence: bool = False


CHANNEL_FAMILIES: Mapping[str, ChannelRule] = {
    "user": ChannelRule(),
    "order": ChannelRule(presence=True),
    "ops": ChannelRule(),
}


class ChannelRules:
    """Answers by the channel's family."""

    def __init__(self, families: Mapping[str, ChannelRule] = CHANNEL_FAMILIES) -> None:
        self._families = families

    def of(self, channel: str) -> ChannelRule | None:
        """None for a name that is no channel of ours."""
        return self._families.get(parse_channel(channel)[0])

    def at_connect(self, identity: Identity) -> tuple[str, ...]:
        """The channels that the server subscribes by itself."""
        return (user_channel(identity.user_id),)
