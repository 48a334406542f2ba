"""A browser tab in which somebody listens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page, expect

from tests.patience import PATIENCE_SEC

FORBIDDEN = re.compile("Content Security Policy|Trusted")


class Patience:
    """How long pages are waited for. What makes one test fail often fails the others of a run, each as slowly.

    Attributes:
        ms: Milliseconds; as long as other tests wait, until a test of this process has failed.
    """

    ms = PATIENCE_SEC * 1000
    AFTER_FAILURE_MS = 120_000

    @classmethod
    def lower(cls) -> None:
        cls.ms = cls.AFTER_FAILURE_MS
        expect.set_options(timeout=cls.ms)


def patient(page: Page) -> Page:
    """The page, which waits as long as other tests do; Playwright's own limits are for quiet machines."""
    page.set_default_timeout(Patience.ms)
    return page


@contextmanager
def watched_page(browser: Browser, **options: Any) -> Iterator[Page]:
    """A page in a context of its own. Fails at the end if its scripts failed or its policy forbade something."""
    wrong: list[str] = []
    with browser.new_context(**options) as context:
        tab = patient(context.new_page())
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        tab.on("console", lambda said: wrong.append(said.text) if FORBIDDEN.search(said.text) else None)
        yield tab
    assert wrong == [], wrong


class Tab:
    """One page of the site with one listener on it."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def call(self, function: str, *arguments: str | int) -> Any:
        """Call one of the page's functions; waits for its promise."""
        return self._page.evaluate("([name, given]) => window.page[name](...given)", [function, list(arguments)])

    def told_until(self, condition: str = "true") -> list[Any]:
        """All that the listener was told, once a JavaScript condition holds for the `last` of it."""
        self._page.wait_for_function(
            f"() => {{ const last = window.page.told.at(-1); return last !== undefined && ({condition}); }}",
        )
        told: list[Any] = self._page.evaluate("window.page.told")
        return told

    def lines(self) -> list[list[str]]:
        """What the example shows people of each job it was told."""
        shown: list[list[str]] = self._page.evaluate("window.page.told.map(window.page.linesOf)")
        return shown
