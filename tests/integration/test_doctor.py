"""`clipwise doctor --project` on the emulated place, as `clipwise up --emulators` makes it."""

from __future__ import annotations

import re
from pathlib import Path

from infra.doctor.findings import is_healthy
from infra.doctor.project import check_project
from infra.runtimes.emulated.emulators import PROJECT, EmulatorHosts
from tests.contract.emulated import need_emulators
from tests.server import serving


def test_the_emulated_place_is_healthy_and_emptied_emulators_are_not(tmp_path: Path, hosts: EmulatorHosts) -> None:
    """A developer's own stack passes the examination; emulators that nobody set up do not, and it says what to do."""
    need_emulators()
    with serving(tmp_path / "data", "--emulators") as server:
        told = re.search(r"Firestore at (\S+), Pub/Sub at (\S+), storage at (\S+);", "".join(server.logs().values()))
        assert told is not None
        findings = list(check_project(PROJECT, environ=EmulatorHosts(*told.groups()).environ()))
        assert is_healthy(findings), findings
        assert {"bucket uploads", "topics", "subscription extract", "dead letters", "database"} <= {
            row.subject for row in findings
        }
    bare = list(check_project(hosts.project, environ=hosts.environ()))
    assert not is_healthy(bare)
    assert any("clipwise up --emulators" in row.advice for row in bare)
