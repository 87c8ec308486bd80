"""What a client's address counts as where something is limited by address."""

from ipaddress import AddressValueError, IPv6Address, IPv6Network


def counted(address: str) -> str:
    """An IPv4 address as it is, the /64 of an IPv6 one: one customer has 2^64 addresses. Other text is unchanged."""
    try:
        parsed = IPv6Address(address.partition("%")[0])
    except AddressValueError:
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(IPv6Network((int(parsed), 64), strict=False))
