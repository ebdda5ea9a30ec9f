"""What has happened to the rules."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RulesChanged:
    """A new edition is in force for what begins from now on."""

    number: int
