"""What can be wrong with an archive."""


class BadArchive(Exception):
    """Why an archive cannot be used, in one sentence for the operator. Nothing was changed."""
