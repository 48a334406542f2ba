"""Servers that have an answer to every request."""

from __future__ import annotations

import logging

from infra.stand_ins.server import Asked, FakeService, Reply

log = logging.getLogger(__name__)


class Willing(FakeService):
    """Makes an answer up when none is prepared."""

    def next_reply(self) -> Reply | None:
        return super().next_reply() or self.made_up(self.asked[-1])

    def made_up(self, asked: Asked) -> Reply:
        """An answer to a request that was found to be right."""
        raise NotImplementedError


class Forgetful(FakeService):
    """Can serve for days: forgets each request when it is answered, and says at once what was wrong with it."""

    def reply_to(self, asked: Asked) -> Reply:
        reply = super().reply_to(asked)
        for problem in self.problems:
            log.warning("%s: a request that the real service would not take: %s", type(self).__name__, problem)
        self.problems.clear()
        self.asked.clear()
        return reply
