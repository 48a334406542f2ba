"""Which IP addresses are public: from IANA's special-purpose registries, not from the interpreter's older copies."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

# https://www.iana.org/assignments/iana-ipv4-special-registry (what is not globally reachable), plus multicast.
_REFUSED_V4 = [
    IPv4Network(net)
    for net in (
        "0.0.0.0/8",  # this network, unspecified
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT; Alibaba's metadata
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # Azure's platform: public by number, internal by use
        "169.254.0.0/16",  # link-local; most clouds' metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments; Oracle's metadata
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
]
# Only this is handed out for the open network; all else lies outside of it: loopback, mapped and compatible IPv4,
# NAT64, unique local (fd00:ec2::254 too), link-local, multicast.
_GLOBAL_V6 = IPv6Network("2000::/3")
_REFUSED_V6 = [
    IPv6Network(net)
    for net in (
        "2001::/23",  # protocol assignments: Teredo, ORCHID, benchmarks
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: wraps any IPv4 address
        "3fff::/20",  # documentation
    )
]
_ISATAP = (0x00005EFE, 0x02005EFE)


def is_public_address(address: str) -> bool:
    """Whether `address` (as `socket` writes it) belongs to the open network; anything that wraps IPv4 in IPv6 does not.

    Raises ValueError when it is not an IP address.
    """
    ip = ip_address(address)
    if isinstance(ip, IPv6Address):
        wraps_v4 = int(ip) >> 32 & 0xFFFFFFFF in _ISATAP  # RFC 5214: below any prefix
        return ip.scope_id is None and ip in _GLOBAL_V6 and not wraps_v4 and not any(ip in net for net in _REFUSED_V6)
    return not any(ip in net for net in _REFUSED_V4)
