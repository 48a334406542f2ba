"""The first apply, in a project without a history: what Google does not know yet, and what is there already."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.terraform.conftest import Open
from tests.terraform.test_deployment import PROD
from tests.terraform.workspace import PROJECT, Failed, missing, served_provider


@pytest.fixture
def provider() -> Iterator[str]:
    """A Google that has not seen the project: another one for each test."""
    if reason := missing():
        pytest.skip(reason)
    with served_provider() as reattach:
        yield reattach


# What is done too early: file, text, what stands there instead, and Google's refusal, at which the apply ends.
HASTE = {
    "agents": (
        "encryption.tf",
        "depends_on = [time_sleep.agents]",
        "",
        "Error 400: Service account serviceAccount:service-123456789012@gcp-sa-",
    ),
    "counters": (
        "alerts.tf",
        "  depends_on = [time_sleep.log_metrics]\n",
        "",
        "Error 404: Cannot find metric(s) that match type",
    ),
    "a key": (
        "encryption.tf",
        "depends_on = [google_kms_crypto_key_iam_member.services]",
        "",
        "Error 403: Permission denied on the key",
    ),
    "a build": (
        "functions.tf",
        "  depends_on = [time_sleep.grants]\n",
        "  depends_on = [google_project_iam_member.build]\n",
        "Error 403: Build failed",
    ),
}


def test_the_first_apply_with_a_key_succeeds(opened: Open) -> None:
    """In a new project, one apply creates everything with a key of one's own, and a second has nothing to do."""
    workspace = opened("prod")
    assert workspace.apply(*PROD)
    assert workspace.plan(*PROD) == []


@pytest.mark.parametrize("haste", HASTE)
def test_who_does_not_wait_is_refused(opened: Open, haste: str) -> None:
    """Each wait is there because Google refuses what comes too early."""
    workspace = opened("prod")
    file, old, new, refusal = HASTE[haste]
    workspace.change(f"terraform/{file}", old, new)
    with pytest.raises(Failed) as failure:
        workspace.apply(*PROD)
    assert refusal in str(failure.value)


def test_what_an_earlier_installation_left_is_taken_over(opened: Open) -> None:
    """After `destroy`, accounts and documents are still there; the next apply imports them instead of failing."""
    workspace = opened("dev")
    adopt = 'adopt=["identity_platform","database"]'
    workspace.run("plan", "-input=false", f"-var=project_id={PROJECT}", f"-var={adopt}", "-out=plan")
    shown = workspace.run("show", "plan")
    assert "google_identity_platform_config.this will be" in shown
    assert shown.count("(imported from") == 2
    assert f'"projects/{PROJECT}/databases/(default)"' in shown
