"""Where a webhook may lead: through the URL guard, and encrypted."""

from __future__ import annotations

from shared.errors import PermanentError
from shared.security.url_guard import Resolver, check_url, is_allowed_host, public_addresses, system_resolver
from shared.security.urls import WebUrl
from shared.settings import Settings


def check_target_url(url: str, settings: Settings) -> WebUrl:
    """Refuse what can be refused without asking the network.

    Raises PermanentError `url_invalid`, `url_not_allowed`.
    """
    target = check_url(url, settings)
    if target.scheme != "https" and not is_allowed_host(target.host, target.port, settings):
        raise PermanentError(
            "url_not_allowed", "The address of a webhook must begin with https://. Use such an address."
        )
    return target


def check_target_host(target: WebUrl, settings: Settings, resolve: Resolver = system_resolver) -> None:
    """Refuse a host that leads into a private network; what it leads to later is judged with every delivery.

    Raises PermanentError `url_not_allowed`, `url_unresolvable`, and TransientError `url_unresolvable`.
    """
    public_addresses(target.host, target.port, settings, resolve)
