"""What runs on this machine is reached directly, whatever proxy the environment names."""

from __future__ import annotations

import pytest

from infra.runtimes.process import bypass_proxies


@pytest.mark.parametrize(
    ("environ", "hosts"),
    [
        ({}, "127.0.0.1,localhost,::1"),
        ({"NO_PROXY": "nas.example, localhost"}, "nas.example,localhost,127.0.0.1,::1"),
        ({"NO_PROXY": "a.example", "no_proxy": "b.example"}, "a.example,b.example,127.0.0.1,localhost,::1"),
        ({"no_proxy": "*"}, "*"),
    ],
    ids=["none", "one spelling", "both spellings", "all hosts"],
)
def test_this_machine_joins_the_users_own_exceptions(environ: dict[str, str], hosts: str) -> None:
    """Hosts that a user excepts from the proxy stay excepted, for clients that read either spelling."""
    bypass_proxies(environ)
    bypass_proxies(environ)
    assert environ == {"NO_PROXY": hosts, "no_proxy": hosts}
