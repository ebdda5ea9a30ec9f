"""What lies in MongoDB: names of collections, their indexes."""

from typing import Any

SETTLED_EVENTS = "settled_event"  # of channels, when hardly anybody comes back to them (channel_log/settling.py)
BEHAVIOUR = "behaviour_event"
KEPT_FILES = "kept_file"  # which file lies under which key
FILE_BUCKET = "file"  # GridFS
DEPLOYMENT = "deployment"  # one document: whose all this is

CONTENT = (SETTLED_EVENTS, BEHAVIOUR, KEPT_FILES)

_INDEXES: tuple[tuple[str, str, list[tuple[str, int]], dict[str, Any]], ...] = (
    (SETTLED_EVENTS, "place", [("channel", 1), ("offset", 1)], {"unique": True}),
    (SETTLED_EVENTS, "age", [("family", 1), ("at", 1)], {}),
    (BEHAVIOUR, "age", [("entered_at", 1)], {}),
    (BEHAVIOUR, "person", [("user_id", 1), ("entered_at", 1)], {}),
    (BEHAVIOUR, "kind", [("kind", 1), ("entered_at", 1)], {}),
    (KEPT_FILES, "key", [("key", 1)], {}),
    (KEPT_FILES, "age", [("state", 1), ("at", 1)], {}),
)


async def make_indexes(database: Any) -> None:
    """Those that are there already cost a look; two who make the same one at once both succeed."""
    for collection, name, keys, options in _INDEXES:
        await database[collection].create_index(keys, name=name, **options)
