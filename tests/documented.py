"""Answers held against the examples of the API page.

An example has every key that an answer has, and nothing else. None fits everything, because a thing may be
missing; `{}` in an example stands for any object, `[]` for any list.
"""
from typing import Any


def differences(example: Any, answer: Any, at: str = "data") -> list[str]:
    """What an answer has otherwise than its example."""
    if example is None or answer is None:
        return []
    if isinstance(example, dict):
        return _of_objects(example, answer, at) if isinstance(answer, dict) else [f"{at}: {answer!r} is no object"]
    if isinstance(example, list):
        if not isinstance(answer, list):
            return [f"{at}: {answer!r} is no list"]
        return [line for one in answer for line in differences(example[0], one, f"{at}[]")] if example else []
    kinds = (int, float) if type(example) in (int, float) else (type(example),)
    return [] if type(answer) in kinds else [f"{at}: {answer!r} where the example has {example!r}"]


def _of_objects(example: dict[str, Any], answer: dict[str, Any], at: str) -> list[str]:
    if not example:
        return []
    found = [f"{at}.{name} is not told" for name in answer if name not in example]
    found += [f"{at}.{name} is missing" for name in example if name not in answer]
    for name in example.keys() & answer.keys():
        found += differences(example[name], answer[name], f"{at}.{name}")
    return found


def assert_documented(operation: Any, answer: Any) -> None:
    """The answer is as its operation's example tells."""
    assert operation.example is not None, f"{operation.name} has no example"
    assert operation.about, f"{operation.name} says nothing of itself"
    found = differences(operation.example, answer)
    assert not found, "\n".join([operation.name, *found])
