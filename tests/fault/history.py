"""What the clients did and saw, as JSON lines."""
import json
import time
from collections import Counter
from pathlib import Path
from typing import Any


class History:
    """Appends records with the time at which they were written, `at`.

    `kind` is "op", "read" (an order), "chat" (one side's last reading), "books", "joined", "received",
    "lost_position", "not_followed", "closed" or "killed" and other faults.

    An op is written when it is over: `outcome` is "ok" (acknowledged), "refused" (a definite no) or "unknown"
    (the client gave up without an answer, so there may be an effect or none).
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8")
        self.counts: Counter[str] = Counter()

    def write(self, kind: str, **fields: Any) -> None:
        self.counts[kind] += 1
        if kind == "op":
            self.counts[fields["outcome"]] += 1
        self._file.write(json.dumps({"kind": kind, "at": time.time(), **fields}, ensure_ascii=False) + "\n")

    def close(self) -> None:
        self._file.close()


def read_history(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]
