"""The guard for every URL of a user: which URLs may be fetched, and from which addresses.

`check_url` checks without the network, for an early error. `public_addresses` checks the addresses of a host and
returns those to connect to. `shared.security.guarded_http` applies both to each hop of a request. Public addresses
follow IANA's special-purpose registries, since the interpreter's copy is older.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

from shared.errors import PermanentError, TransientError
from shared.security.urls import WebUrl, parse_host, parse_url
from shared.settings import Settings, SettingsError

Resolver = Callable[[str, int], list[str]]
"""Returns the addresses of a host name; raises socket.gaierror."""
# Names that resolve only inside some network: RFC 6761, 6762 (with appendix G), 7686 and 8375, ICANN's `internal`, and
# services in Kubernetes.
_LOCAL_SUFFIXES = (
    *("localhost", "localdomain", "local", "internal", "intranet", "private", "corp", "home", "lan", "svc"),
    *("home.arpa", "onion"),
)
# Ports above 1023 that browsers block for HTTP, since other protocols use them (WHATWG Fetch, «port blocking»).
_BLOCKED_PORTS = frozenset(
    {1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080}
)
# https://www.iana.org/assignments/iana-ipv4-special-registry (not globally reachable), plus multicast.
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
# Only this is allocated for the public internet, which excludes loopback, mapped and compatible IPv4, NAT64, unique
# local (fd00:ec2::254 too), link-local and multicast.
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


def check_url(url: str, settings: Settings) -> WebUrl:
    """Parse a URL and check it without the network.

    Allowed ports are 80, 443 and those from 1024, where object stores and home servers listen, except those that
    browsers block. Lower ports belong to mail, shells and other protocols that a forged request could reach.

    Raises:
        PermanentError: `url_invalid`, `url_not_allowed`.
    """
    parsed = parse_url(url)
    if is_allowed_host(parsed.host, parsed.port, settings):
        return parsed
    if (parsed.port < 1024 and parsed.port not in (80, 443)) or parsed.port in _BLOCKED_PORTS:
        raise PermanentError("url_not_allowed", f"Links to port {parsed.port} are not allowed. Use port 80 or 443.")
    if _is_address(parsed.host):
        _require_public(parsed.host, [parsed.host])
    elif _is_local_name(parsed.host):
        raise _not_public(parsed.host)
    return parsed


def _is_local_name(host: str) -> bool:
    # `localhost.example.com` is this machine in the DNS of many domains.
    first, dot, _ = host.partition(".")
    return not dot or first == "localhost" or host.endswith(tuple(f".{suffix}" for suffix in _LOCAL_SUFFIXES))


def system_resolver(host: str, port: int) -> list[str]:
    """Resolve through the operating system, which also limits the time."""
    infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in infos))


def public_addresses(host: str, port: int, settings: Settings, resolve: Resolver = system_resolver) -> list[str]:
    """Return the addresses to connect to for a host in canonical form, all of them public.

    Connect to these and not to the name: a second look-up may return others (DNS rebinding).

    Raises:
        PermanentError: `url_not_allowed` if any address is not public; `url_unresolvable` if the host does not exist.
        TransientError: `url_unresolvable` if the look-up failed.
    """
    try:
        addresses = [host] if _is_address(host) else resolve(host, port)
    except socket.gaierror as error:
        if error.errno in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", None)):
            raise _no_such_host(host) from None
        raise TransientError("url_unresolvable", f"The host {host} could not be resolved. Try again later.") from error
    if not addresses:
        raise _no_such_host(host)
    if not is_allowed_host(host, port, settings):
        _require_public(host, addresses)
    return addresses


def _require_public(host: str, addresses: list[str]) -> None:
    if not all(is_public_address(address) for address in addresses):
        raise _not_public(host)


def is_public_address(address: str) -> bool:
    """Return True if `address`, as `socket` writes it, is on the public internet; IPv4 wrapped in IPv6 is not.

    Raises ValueError if it is not an IP address.
    """
    ip = ip_address(address)
    if isinstance(ip, IPv6Address):
        wraps_v4 = int(ip) >> 32 & 0xFFFFFFFF in _ISATAP  # RFC 5214: below any prefix
        return ip.scope_id is None and ip in _GLOBAL_V6 and not wraps_v4 and not any(ip in net for net in _REFUSED_V6)
    return not any(ip in net for net in _REFUSED_V4)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def is_allowed_host(host: str, port: int, settings: Settings) -> bool:
    """Return True if ALLOW_HOSTS contains the host and port."""
    return (host, port) in _parse_allowed_hosts(settings.allow_hosts)


@lru_cache(maxsize=16)
def _parse_allowed_hosts(pairs: str) -> frozenset[tuple[str, int]]:
    return frozenset(_host_and_port(pair) for pair in pairs.split(",") if pair.strip())


def _host_and_port(pair: str) -> tuple[str, int]:
    host, _, port = pair.strip().rpartition(":")
    try:
        return parse_host(host), int(port)
    except (PermanentError, ValueError):
        raise SettingsError(f"ALLOW_HOSTS: {pair.strip()!r} is not a valid entry. Write it as host:port.") from None


def _not_public(host: str) -> PermanentError:
    return PermanentError("url_not_allowed", f"The host {host} is not on the public internet. Use a public link.")


def _no_such_host(host: str) -> PermanentError:
    return PermanentError(
        "url_unresolvable",
        f"The host {host} was not found in DNS. Check its spelling and this server's internet connection.",
    )
