"""Who counts as one address."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

_IPV6_PREFIX = 64  # what one household is given: single addresses in it are free to change


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def is_loopback(text: str) -> bool:
    """True for this machine's own address, also as IPv4 inside IPv6."""
    address = _parsed(text)
    return address is not None and address.is_loopback


def address_group(text: str) -> str:
    """What a limit an address counts: the IPv4 address, or the /64 around an IPv6 address."""
    address = _parsed(text)
    if isinstance(address, IPv6Address):
        return str(ip_network((address, _IPV6_PREFIX), strict=False))
    return str(address) if address is not None else text
