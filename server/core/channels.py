"""Names of the live channels, built and read in one place."""

OPS = "ops"


def user_channel(user_id: str) -> str:
    """The channel of one account, subscribed by the server at connect."""
    return f"user:{user_id}"


def order_channel(order_id: str) -> str:
    """The channel of one order, followed by its party and administrators."""
    return f"order:{order_id}"


def parse_channel(channel: str) -> tuple[str, str]:
    """("order", id), ("user", id), ("ops", "") or ("", "") for a name that is none of ours."""
    if channel == OPS:
        return "ops", ""
    kind, colon, subject = channel.partition(":")
    if colon and kind in ("order", "user") and subject:
        return kind, subject
    return "", ""
