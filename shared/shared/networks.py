"""Who a network address stands for: a host of IPv4, or the /64 of IPv6 that one subscriber has."""

from ipaddress import IPv6Address, ip_address, ip_network

CHARS_MAX = 100


def subscriber(client: str) -> str:
    """Return the same text for all addresses of one subscriber; what is no address stands for itself."""
    try:
        address = ip_address(client)
    except ValueError:
        return client[:CHARS_MAX]
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is None:
            return str(ip_network((address, 64), strict=False))
        address = address.ipv4_mapped
    return str(address)
