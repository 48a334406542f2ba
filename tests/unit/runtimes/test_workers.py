"""What the slots of the embedded place's workers run."""

from __future__ import annotations

from collections import Counter

from infra.runtimes.embedded.workers import IO_SLOTS, pool_functions, slot_functions


def test_servers_that_let_us_wait_do_not_stop_jobs() -> None:
    """While users' servers let downloads, crawls and webhooks wait, none holds up another, and jobs still end."""
    functions = pool_functions("io")
    waiting = {"download", "crawl", "notify"}
    slots = [set(slot_functions(functions, slot)) for slot in range(IO_SLOTS)]
    assert Counter("".join(names & waiting) for names in slots) == {"download": 4, "crawl": 4, "notify": 2, "": 2}
    assert all(names - waiting == {row.name for row in functions} - waiting for names in slots)
    assert "persist" in slots[0]
