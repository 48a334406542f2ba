"""Which provider serves a kind."""

from __future__ import annotations

from shared.ai.provider import Provider
from shared.analyses.kinds import Kind


def provider_for(kind: Kind) -> Provider:
    """The provider that is to analyse videos for `kind`."""
    from shared.ai.offline.provider import OfflineProvider

    return OfflineProvider()
