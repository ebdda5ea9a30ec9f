"""Decides whether a client can be told all it missed."""

from dataclasses import dataclass

from server.storage.channel_log.port import LoggedEvent, Position, Slice
from server.ws.wire.answers import Publication
from server.ws.wire.commands import Resume


@dataclass(frozen=True, slots=True)
class Joined:
    """How a subscription began. `missed` is None when nothing was asked or not all could be given."""

    top: Position
    recoverable: bool = True
    resume: Resume | None = None
    missed: tuple[Publication, ...] | None = None


def reached(known: Slice) -> int:
    """The highest offset this read has seen; under READ COMMITTED events may be newer than the head."""
    return max(known.top.offset, known.events[-1].offset if known.events else 0)


def missed_since(resume: Resume, events: tuple[LoggedEvent, ...], top: Position) -> tuple[Publication, ...] | None:
    """The events after a client's position up to `top`, or None when one of them is missing (protocol §7).

    An empty epoch is what a client holds who subscribed before the first event. "_" is what clients send
    to say that they lost their state; no epoch of ours is "_".
    """
    if resume.epoch not in ("", top.epoch):
        return None
    expected = resume.offset
    for event in events:
        expected += 1
        if event.offset != expected:
            return None
    if expected != top.offset:
        return None
    return tuple(Publication(event.offset, event.data) for event in events)
