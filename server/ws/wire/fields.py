"""Reads the members of one command, each with its type."""

from typing import Any

_HIGHEST_OFFSET = 2**53 - 1  # JavaScript keeps positions in doubles
_LONGEST_CHANNEL = 255


class WrongField(ValueError):
    """A member has a wrong type or is out of range; carries its name."""


class Fields:
    """The members of a JSON object; absent ones have the protocol's zero value."""

    __slots__ = ("_members",)

    def __init__(self, members: Any) -> None:
        if type(members) is not dict:
            raise WrongField("not an object")
        self._members: dict[str, Any] = members

    def any(self, name: str) -> Any:
        return self._members.get(name)

    def text(self, name: str) -> str:
        value = self._members.get(name, "")
        if type(value) is not str:
            raise WrongField(name)
        return value

    def channel(self) -> str:
        value = self.text("channel")
        if not 0 < len(value) <= _LONGEST_CHANNEL:
            raise WrongField("channel")
        return value

    def yes(self, name: str) -> bool:
        value = self._members.get(name, False)
        if type(value) is not bool:
            raise WrongField(name)
        return value

    def number(self, name: str) -> int:
        value = self._members.get(name, 0)
        if type(value) is not int:
            raise WrongField(name)
        return value

    def offset(self, name: str) -> int:
        value = self.number(name)
        if not 0 <= value <= _HIGHEST_OFFSET:
            raise WrongField(name)
        return value

    def object(self, name: str) -> "Fields | None":
        value = self._members.get(name)
        return None if value is None else Fields(value)

    def objects(self, name: str) -> "dict[str, Fields]":
        value = self._members.get(name, {})
        if type(value) is not dict:
            raise WrongField(name)
        return {key: Fields(member) for key, member in value.items()}
