"""How a commit becomes a deployment: what a pull request may do, and what only a merged and approved change may."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.terraform.audit import Deployment
from tests.terraform.workspace import PROJECT, ROOT, Workspace, missing, resources, served_provider

PLAN, DEPLOY = (f"serviceAccount:clipwise-{name}@{PROJECT}.iam.gserviceaccount.com" for name in ("plan", "deploy"))
REPOSITORY = "projects/p/locations/europe-west1/connections/github/repositories/clipwise"
READING = {
    "roles/viewer",
    "roles/iam.securityReviewer",
    "roles/serviceusage.apiKeysViewer",
    "roles/serviceusage.serviceUsageConsumer",
    "roles/logging.logWriter",
}


@pytest.fixture(scope="module")
def delivery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """What terraform/delivery makes for both Cloud Build and GitHub."""
    if reason := missing():
        pytest.skip(reason)
    with served_provider(foresee=True) as reattach:
        workspace = Workspace(tmp_path_factory.mktemp("delivery"), reattach)
        folder = workspace.root / "terraform" / "delivery"
        workspace.run("init", "-backend=false", "-input=false", where=folder)
        given = (f"project_id={PROJECT}", f"cloud_build_repository={REPOSITORY}", "github_repository=someone/clipwise")
        workspace.run("plan", "-input=false", "-out=plan", *(f"-var={each}" for each in given), where=folder)
        yield Deployment(resources(workspace.show(folder / "plan")["planned_values"]))


def test_a_pull_requests_account_only_reads(delivery: Deployment) -> None:
    """Whatever a pull request runs, in its own version of the pipeline too, it cannot change the deployment."""
    grants = [each.values for each in delivery.all("google_project_iam_member", "plan")]
    assert {each["role"] for each in grants} == READING
    of_plan = [each.values for type_name in TYPES_OF_GRANTS for each in delivery.all(type_name, "plan")]
    assert {each["role"] for each in of_plan} - READING == {"roles/storage.objectViewer"}
    readers = [each.values["member"] for each in delivery.all("google_secret_manager_secret_iam_member")]
    assert set(readers) == {DEPLOY}


TYPES_OF_GRANTS = ("google_project_iam_member", "google_storage_bucket_iam_member")


def test_a_stranger_starts_no_build_and_a_deployment_is_approved(delivery: Deployment) -> None:
    """Pull requests are built after a maintainer's comment, by the account that reads; main after an approval."""
    triggers = delivery.by_name("google_cloudbuild_trigger")
    plan, deploy = triggers["clipwise-plan"], triggers["clipwise-deploy"]
    assert plan["repository_event_config"][0]["pull_request"][0]["comment_control"] == "COMMENTS_ENABLED"
    assert (plan["filename"], deploy["filename"]) == ("cloudbuild.plan.yaml", "cloudbuild.yaml")
    assert (short(plan["service_account"]), short(deploy["service_account"])) == ("clipwise-plan", "clipwise-deploy")
    assert deploy["repository_event_config"][0]["push"][0]["branch"] == "^main$"
    assert deploy["approval_config"][0]["approval_required"] is True


def short(account: str) -> str:
    return account.rpartition("/")[2].partition("@")[0]


def test_github_is_trusted_for_one_repository_and_by_the_event(delivery: Deployment) -> None:
    """No other repository gets a token; a pull request gets the reading account's, the environment the other's."""
    (provider,) = delivery.all("google_iam_workload_identity_pool_provider")
    assert provider.values["attribute_condition"] == "assertion.repository == 'someone/clipwise'"
    trusted = {each.key: each.values["member"] for each in delivery.all("google_service_account_iam_member")}
    assert trusted["plan"].endswith("/attribute.event/pull_request")
    assert trusted["deploy"].endswith("/subject/repo:someone/clipwise:environment:production")


def pipeline(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))
    return found


CHECKED = ["terraform", "check", "test", "package", "variables"]


def test_a_pull_requests_build_ends_with_the_plan() -> None:
    """It tests with Terraform there, plans without a lock of the state, and reads no secret."""
    build = pipeline("cloudbuild.plan.yaml")
    assert [step["id"] for step in build["steps"]] == [*CHECKED, "plan"]
    assert "availableSecrets" not in build
    assert "terraform apply" not in str(build["steps"])
    assert "-lock=false" in str(build["steps"][-1]["args"])


def test_a_deployment_is_checked_before_and_tried_after() -> None:
    """What is applied was planned in the same build; then a real job runs, unless somebody says `skip`."""
    build = pipeline("cloudbuild.yaml")
    assert [step["id"] for step in build["steps"]] == [*CHECKED, "apply", "smoke"]
    assert build["steps"][-2]["secretEnv"] == ["TF_VAR_secret_values"]
    smoke = build["steps"][-1]["args"][-1]
    assert smoke.index("smoke-account") < smoke.index("clipwise smoke --server")
    assert "skip" in smoke


@pytest.mark.parametrize("name", ["cloudbuild.yaml", "cloudbuild.plan.yaml", ".github/workflows/deploy.yaml"])
def test_providers_are_those_that_the_repository_has_locked(name: str) -> None:
    """Every `init` of a pipeline refuses a provider whose hash is not in the lock file."""
    text = (ROOT / name).read_text(encoding="utf-8")
    inits = [line for line in text.splitlines() if "terraform init" in line]
    assert inits
    assert all("-lockfile=readonly" in line for line in inits)


def test_the_tests_of_terraform_run_in_the_build() -> None:
    """The image of Python has no Terraform; the build puts it on the PATH of the tests."""
    for name in ("cloudbuild.yaml", "cloudbuild.plan.yaml"):
        steps = {step["id"]: step for step in pipeline(name)["steps"]}
        assert "/workspace/.bin" in str(steps["terraform"]["args"])
        assert "/workspace/.bin" in str(steps["test"]["args"])


def test_github_splits_the_accounts_likewise() -> None:
    """A pull request's job never applies; the job that does runs in the protected environment, after a push to main."""
    workflow = pipeline(".github/workflows/deploy.yaml")
    assert workflow["permissions"] == {"contents": "read"}
    plan, deploy = workflow["jobs"]["plan"], workflow["jobs"]["deploy"]
    assert "GCP_PLAN_ACCOUNT" in str(plan)
    assert "GCP_DEPLOY_ACCOUNT" not in str(plan)
    assert "terraform apply" not in str(plan)
    assert "secrets" not in str(plan["steps"])
    assert "head.repo.full_name == github.repository" in plan["if"]
    assert deploy["environment"] == "production"
    assert "github.event_name == 'push'" in deploy["if"]
    writing = {name for name, job in workflow["jobs"].items() if job["permissions"].get("contents") == "write"}
    assert writing == {"lock"}
