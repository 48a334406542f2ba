"""The API against its OpenAPI document: generated requests, valid and invalid, to every operation."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.accounts import cheap_passwords
from tests.api_site import Site
from tests.patience import PATIENCE_SEC

EXAMPLES = os.environ.get("SCHEMATHESIS_EXAMPLES", "3")
SEED = os.environ.get("SCHEMATHESIS_SEED", "1")
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)


@pytest.mark.timeout(4 * 60 * 60)
def test_responses_match_the_document(site: Site, tmp_path: Path) -> None:
    """No generated request gets a 500, a status that is not documented, or a response that breaks its schema.

    Workers do not run, so that no generated address is ever called. `make soak` sends more requests.
    """
    command = [
        Path(sys.executable).with_name("schemathesis"), "run", f"{site.url}/openapi.json", "--url", site.url,
        "--phases", "examples,fuzzing", "--max-examples", EXAMPLES, "--seed", SEED, "--checks", ",".join(CHECKS),
        "--suppress-health-check", "all", "--generation-database", "none", "--no-shrink", "--continue-on-failure",
        "--request-timeout", str(PATIENCE_SEC), "--warnings", "off", "--no-color",
    ]  # fmt: skip
    # Schemathesis waits ten seconds for a document that takes longer to build on a busy machine.
    assert site.client.get("/openapi.json").status_code == 200
    with cheap_passwords():
        run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    print(run.stdout)
    assert run.returncode == 0, run.stdout[-10_000:] + run.stderr[-2000:]
