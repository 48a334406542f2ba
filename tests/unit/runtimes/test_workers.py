"""What the slots of the embedded place's workers run."""

from __future__ import annotations

from infra.runtimes.embedded.workers import IO_SLOTS, pool_functions, slot_functions
from shared.wiring import NOTIFY


def test_receivers_that_let_us_wait_do_not_stop_jobs() -> None:
    """However many webhooks wait for an answer, half of the slots go on with jobs; every slot takes all else."""
    functions = pool_functions("io")
    slots = [slot_functions(functions, slot) for slot in range(IO_SLOTS)]
    assert sum(NOTIFY in names for names in slots) == IO_SLOTS // 2
    names = {row.name for row in functions}
    assert all(names - {NOTIFY} <= set(slot) for slot in slots)
    assert NOTIFY in slot_functions(functions, 0)  # a pool of one slot delivers as well
