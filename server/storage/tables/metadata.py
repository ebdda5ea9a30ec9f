"""The one metadata that all tables belong to."""

from server.storage.columns import new_metadata

metadata = new_metadata()
