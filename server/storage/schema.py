"""The whole schema in one import."""

from server.storage.tables import billing, booking, care, identity, notices, roster, system
from server.storage.tables.metadata import metadata

SUBJECTS = (identity, roster, booking, billing, care, notices, system)  # imported so that all are known

__all__ = ["SUBJECTS", "metadata"]
