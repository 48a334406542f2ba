from tests.api_site import api_server, site

__all__ = ["api_server", "site"]
