"""Our notices in the templates that carriers have approved.

WeChat and SMS providers send no sentences of ours, only templates that they have looked at, filled with short
values. Which of theirs stands for which of ours, and which variable fills which field, is configuration. It is
read once, and what could not be filled later is refused then.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from server.push.templates import FALLBACKS, BadTemplate, Templates

# What WeChat takes in a field, by the letters of its name (thing1, time2): its page "subscribeMessage.send".
_CHARACTERS = {
    "thing": 20,
    "name": 10,
    "phrase": 5,
    "character_string": 32,
    "number": 32,
    "letter": 32,
    "symbol": 5,
    "phone_number": 17,
    "amount": 12,
    "car_number": 8,
    "const": 20,
    "short_thing": 5,
    "time": 64,
    "date": 64,
}
_FIELD = re.compile(r"([a-z_]+?)[0-9]{1,3}")
_VARIABLE = re.compile(r"\{([a-z_]+)\}")
_SPACE = re.compile(r"\s+")
# Beside the variables of sentences: the time of a visit as WeChat's fields time and date want it, and for addresses.
FOR_CARRIERS = {"period": "见订单详情", "order_id": ""}
_KNOWN = FALLBACKS.keys() | FOR_CARRIERS.keys()


@dataclass(frozen=True, slots=True)
class Wording:
    """One approved template: its id there, our variable for each of its fields, the page that a tap opens."""

    template_id: str
    fields: Mapping[str, str]
    page: str = ""

    def filled(self, params: Mapping[str, str]) -> dict[str, dict[str, str]]:
        """The fields as WeChat's APIs take them: {"thing1": {"value": "…"}}; nothing is empty or too long."""
        return {name: {"value": _fitting(name, _value(params, variable))} for name, variable in self.fields.items()}

    def address(self, params: Mapping[str, str]) -> str:
        return _VARIABLE.sub(lambda found: _value(params, found[1]), self.page)


def read_wordings(given: Mapping[str, Wording], *, templates: Templates, where: str) -> dict[str, Wording]:
    """The configured wordings by our template's name. Raises BadTemplate with the place of what is wrong."""
    for name, wording in given.items():
        place = f"{where}.{name}"
        if name not in templates:
            raise BadTemplate(f"{place}: there is no such notice; there are {', '.join(templates.names)}")
        if not wording.template_id or not wording.fields:
            raise BadTemplate(f"{place}: id and fields are needed")
        for field in wording.fields:
            kind = _FIELD.fullmatch(field)
            if kind is None or kind[1] not in _CHARACTERS:
                raise BadTemplate(f"{place}: {field} is no field of WeChat's; they are called thing1, time2, name3 …")
        _require_known(place, (*wording.fields.values(), *_VARIABLE.findall(wording.page)))
        _require_given(place, wording.fields.values(), templates.variables_of(name))
    return dict(given)


def _require_known(place: str, variables: Iterable[str]) -> None:
    if unknown := set(variables) - _KNOWN:
        raise BadTemplate(f"{place}: {min(unknown)} is no variable")


def _require_given(place: str, variables: Iterable[str], ours: frozenset[str]) -> None:
    if missing := set(variables) - ours - FOR_CARRIERS.keys():
        raise BadTemplate(f"{place}: this notice has no variable {min(missing)}; it has {', '.join(sorted(ours))}")


def _value(params: Mapping[str, str], variable: str) -> str:
    given = _SPACE.sub(" ", params.get(variable, "")).strip()
    return given or FALLBACKS.get(variable) or FOR_CARRIERS.get(variable, "")


def _fitting(field: str, value: str) -> str:
    kind = _FIELD.fullmatch(field)
    longest = _CHARACTERS[kind[1]] if kind else min(_CHARACTERS.values())
    return value if len(value) <= longest else value[: longest - 1] + "…"
