"""Begins new epochs for the channels of a restored store.

A restore goes back in time, and positions that clients hold may lie beyond where a channel stands now. Once it has
passed them again a client would take the new events for what comes next and never know what it missed. With another
epoch it is told that it has to begin anew.
"""

import secrets

from sqlalchemy import update
from sqlalchemy.engine import Connection

from server.storage.tables.system import channel_head

_EPOCH_BYTES = 5  # chance has to tell it from the one before, nothing more


def begin_new_epochs(connection: Connection) -> None:
    """One for all: positions of two channels are never compared."""
    connection.execute(update(channel_head).values(epoch=secrets.token_hex(_EPOCH_BYTES)))
    connection.commit()
