"""Servers that have an answer to every request."""

from __future__ import annotations

import logging

from infra.stand_ins.server import RecordedRequest, Reply, StandInServer

log = logging.getLogger(__name__)


class AutoReplyServer(StandInServer):
    """Makes an answer up when none is prepared."""

    def next_reply(self) -> Reply | None:
        return super().next_reply() or self.make_reply(self.requests[-1])

    def make_reply(self, request: RecordedRequest) -> Reply:
        """An answer to a request that was found to be right."""
        raise NotImplementedError


class StatelessServer(StandInServer):
    """Can serve for days: forgets each request when it is answered, and says at once what was wrong with it."""

    def reply_to(self, request: RecordedRequest) -> Reply:
        reply = super().reply_to(request)
        for problem in self.problems:
            log.warning("%s: a request that the real service would not take: %s", type(self).__name__, problem)
        self.problems.clear()
        self.requests.clear()
        return reply
