"""Which addresses count as public."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.security.url_guard import is_public_address

INNER_NETWORKS = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "224.0.0.0/4",
]
V6 = st.ip_addresses(v=6).map(IPv6Address)
INNER_V4 = st.sampled_from(INNER_NETWORKS).flatmap(lambda net: st.ip_addresses(network=net))

# Each puts an IPv4 address (32 bits) into an IPv6 address, with other bits from a random one.
WRAPPINGS = {
    "mapped": lambda v4, noise: 0xFFFF << 32 | v4,
    "compatible": lambda v4, noise: v4,
    "translated": lambda v4, noise: 0xFFFF0000 << 32 | v4,
    "nat64": lambda v4, noise: 0x0064FF9B << 96 | v4,
    "local nat64": lambda v4, noise: 0x0064FF9B0001 << 80 | noise & (1 << 80) - 1 & ~0xFFFFFFFF | v4,
    "6to4": lambda v4, noise: 0x2002 << 112 | v4 << 80 | noise & (1 << 80) - 1,
    "teredo server": lambda v4, noise: 0x20010000 << 96 | v4 << 64 | noise & (1 << 64) - 1,
    "teredo client": lambda v4, noise: 0x20010000 << 96 | noise & (1 << 96) - 1 & ~0xFFFFFFFF | v4 ^ 0xFFFFFFFF,
    "isatap": lambda v4, noise: noise >> 64 << 64 | 0x00005EFE << 32 | v4,
    "isatap, global": lambda v4, noise: noise >> 64 << 64 | 0x02005EFE << 32 | v4,
}


@given(INNER_V4, V6, st.sampled_from(sorted(WRAPPINGS)))
def test_no_wrapping_hides_an_inner_address(inner: IPv4Address, noise: IPv6Address, wrapping: str) -> None:
    """An inner IPv4 address stays refused in every way to write it as IPv6."""
    assert not is_public_address(str(inner))
    assert not is_public_address(str(IPv6Address(WRAPPINGS[wrapping](int(inner), int(noise)))))


@given(V6)
@example(IPv6Address("fd00:ec2::254"))
@example(IPv6Address("ff02::1"))
@example(IPv6Address("fe80::a9fe:a9fe"))
def test_only_global_unicast_is_public(address: IPv6Address) -> None:
    """Nothing outside the block that is handed out for the open network passes."""
    assert not is_public_address(str(address)) or address in IPv6Network("2000::/3")


@given(st.ip_addresses())
def test_never_wider_than_the_standard_library(address: IPv4Address | IPv6Address) -> None:
    """What Python calls private, link-local, multicast or reserved is refused as well."""
    inner = address.is_private or address.is_link_local or address.is_multicast or address.is_reserved
    assert not (is_public_address(str(address)) and inner)


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "8.8.8.8", "99.255.255.255", "100.128.0.0", "172.32.0.1", "223.255.255.255", "2606:4700::1", "2a00::1"],
)
def test_public_addresses_pass(address: str) -> None:
    """Ordinary servers, right next to the refused blocks too, can be reached."""
    assert is_public_address(address)


def test_a_zone_makes_it_local() -> None:
    """An address bound to one network interface is not public, whatever its number."""
    assert not is_public_address("2606:4700::1%eth0")


@pytest.mark.parametrize("text", ["", "example.com", "0x7f.1", "127.1", "1.2.3.4/32"])
def test_only_addresses_are_judged(text: str) -> None:
    """A text that is no address cannot pass for one."""
    with pytest.raises(ValueError, match="does not appear"):
        is_public_address(text)
