"""This machine's own addresses."""

from __future__ import annotations

from collections.abc import MutableMapping

LOOPBACK = ("127.0.0.1", "localhost", "::1")
PROXY_VARIABLES = ("NO_PROXY", "no_proxy")


def bypass_proxies(environ: MutableMapping[str, str]) -> None:
    """Add this machine to NO_PROXY: what runs here is not to be asked for through a proxy, which cannot reach it.

    Both spellings get the hosts of either, since clients read one or the other.
    """
    hosts = [host.strip() for name in PROXY_VARIABLES for host in environ.get(name, "").split(",") if host.strip()]
    # A lone * means all hosts, and in a list means nothing to some clients.
    no_proxy = ["*"] if "*" in hosts else dict.fromkeys([*hosts, *LOOPBACK])
    environ.update(dict.fromkeys(PROXY_VARIABLES, ",".join(no_proxy)))
