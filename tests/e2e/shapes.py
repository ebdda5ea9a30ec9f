"""What a JSON schema allows and what it does not.

A plain value for every field, and for every field the values that must be refused; new operations are
covered as soon as they are declared.
"""
from collections.abc import Iterator
from typing import Any

_BY_NAME = {"from": "2019-03", "to": "2020", "username": "周明", "phone_code": "p" * 16}
_LATER = "2031-03-01T10:00:00+08:00"
_OF_EACH_KIND: dict[str, list[Any]] = {
    "null": [None],
    "boolean": [True, False],
    "integer": [7, 0],
    "number": [1.0, 1.5],
    "string": ["1", "true", "' OR 1=1--"],
    "array": [[], ["x"]],
    "object": [{}, {"$gt": ""}, {"$where": "sleep(5000)"}],
}
_BAD_DATES = (
    "2031-02-29", "2031-2-1", "20310201", "2031-W01-1", "0000-01-01", "10000-01-01",
    "2031-02-01T00:00:00Z", "",
)
_BAD_INSTANTS = (
    "2031-02-29T10:00:00+08:00", "2031-03-01T10:00:00", "20310301T100000Z", "2031-W01-1", "2031-03-01T23:59:60Z",
    "2031-03-01T24:00:00Z", "2031-03-01T10:00:00+25:00", "0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z", "now", "",
)
_BAD_PHONES = (
    "12345678901", "010-62345678", "1380013800", "138001380000", "1️⃣3800138000", "13800138000; drop", "", "x" * 10_000,
)
_BAD_TIMES = ("8:00", "24:01", "08:60", "08:00:00", "０８：００", "-1:00", "")


class Shape:
    """A schema with its definitions at hand."""

    def __init__(self, schema: dict[str, Any], definitions: dict[str, Any] | None = None) -> None:
        self._definitions = definitions if definitions is not None else schema.get("$defs", {})
        name = schema.get("$ref", "").rpartition("/")[2]
        self.schema: dict[str, Any] = self._definitions[name] if name else schema
        self._choices = [Shape(one, self._definitions) for one in self.schema.get("anyOf", [])]

    @property
    def kinds(self) -> set[str]:
        """The JSON types that are allowed; a number may be whole."""
        if self._choices:
            return set().union(*(choice.kinds for choice in self._choices))
        kind = self.schema.get("type", "object")
        return {"number", "integer"} if kind == "number" else {kind}

    @property
    def main(self) -> "Shape":
        """Itself, or the first choice that is not null."""
        return next((choice for choice in self._choices if choice.kinds != {"null"}), self)

    @property
    def fields(self) -> dict[str, "Shape"]:
        return {name: Shape(one, self._definitions) for name, one in self.schema.get("properties", {}).items()}

    @property
    def required(self) -> list[str]:
        return self.schema.get("required", [])

    @property
    def items(self) -> "Shape":
        return Shape(self.schema["items"], self._definitions)

    def plain(self, name: str = "") -> Any:
        """A value that the schema takes, with every field that there is."""
        if self.main is not self:
            return self.main.plain(name)
        one = self.schema
        if "const" in one or "enum" in one:
            return one["const"] if "const" in one else one["enum"][0]
        match one.get("type"):
            case "object" | None:
                return {key: field.plain(key) for key, field in self.fields.items()}
            case "array":
                return [self.items.plain(name)]
            case "boolean":
                return True
            case "integer":
                step = one.get("multipleOf", 1)
                return -(-max(one.get("minimum", 1), 1) // step) * step
            case "number":
                return (one.get("minimum", 0) + one.get("maximum", 100)) / 2
        return _plain_text(one) if "format" in one else _BY_NAME.get(name) or _plain_text(one)

    def wrong(self) -> Iterator[Any]:
        """Values of this one field that must be refused."""
        for kind, values in _OF_EACH_KIND.items():
            if kind not in self.kinds and not (kind == "object" and self.main.fields):
                yield from values if kind != "number" or "integer" in self.kinds else values[:1]
        yield from self.main.wrong_of_kind()

    def wrong_of_kind(self) -> Iterator[Any]:
        one = self.schema
        if "enum" in one:
            yield from ("nonsense", one["enum"][0].upper(), f"{one['enum'][0]} ", "")
        elif "const" in one:
            yield not one["const"]
        elif one.get("type") in ("integer", "number"):
            yield from (bound for bound in _outside(one))
        elif one.get("type") == "array" and "maxItems" in one:
            yield [self.items.plain()] * (one["maxItems"] + 1)
        elif one.get("type") == "string":
            yield from wrong_texts(one)

    def places(self, value: Any, path: str = "") -> Iterator[tuple[str, "Shape", Any, Any]]:
        """(dotted path, shape, holder, key) of every field inside a plain value."""
        if isinstance(value, dict):
            for key, field in self.main.fields.items():
                place = f"{path}.{key}".lstrip(".")
                yield place, field, value, key
                yield from field.places(value[key], place)
        elif isinstance(value, list) and "items" in self.main.schema:
            yield f"{path}.0", self.main.items, value, 0
            yield from self.main.items.places(value[0], f"{path}.0")


def _outside(one: dict[str, Any]) -> list[Any]:
    found = [2**63, -(2**63)] if one["type"] == "integer" and {"minimum", "maximum"} & one.keys() else []
    found += [one["minimum"] - 1] if "minimum" in one else []
    return found + ([one["maximum"] + 1] if "maximum" in one else [])


def wrong_texts(one: dict[str, Any]) -> Iterator[str]:
    """Texts that a string field must refuse."""
    match one.get("format"), one.get("pattern", ""), one.get("example"):
        case "date", _, _:
            yield from _BAD_DATES
        case "date-time", _, _:
            yield from _BAD_INSTANTS
        case _, _, "13800138000":
            yield from _BAD_PHONES
        case _, _, "08:00":
            yield from _BAD_TIMES
        case _, "", _:
            if one.get("minLength", 0) >= 1:
                yield ""
            if "maxLength" in one:
                yield "长" * (one["maxLength"] + 1)
        case _:
            yield from ("", "零", "x" * 10_000)


def _plain_text(one: dict[str, Any]) -> str:
    if one.get("format") == "date":
        return "1990-05-06"
    if one.get("format") == "date-time":
        return _LATER
    if "example" in one:
        return one["example"]
    if one.get("pattern") == "^[0-9]{6}$":
        return "123456"
    if "pattern" in one:
        return "m-1"
    return "nobody-nobody"[: one.get("maxLength", 50)].ljust(one.get("minLength", 1), "x")
