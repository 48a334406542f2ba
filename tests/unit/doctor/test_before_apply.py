"""The preflight of a project, against a stand-in for Google's REST APIs."""

from __future__ import annotations

from typing import Any

import pytest

from infra.doctor.before_apply import CHECKS, check_before_apply, unless_unreadable
from infra.doctor.findings import DoctorFinding, Level, is_healthy
from infra.doctor.quota import NEW_PROJECT, Quota, cpus_of, required_quota
from shared.wiring import wiring
from tests.google_rest import ID, QUOTAS, quota_infos, served

CONFIG = f"/admin/v2/projects/{ID}/config"
DATABASE = f"/v1/projects/{ID}/databases/(default)"
KEYS = f"/v2/projects/{ID}/locations/global/keys"
SERVICES = f"/v1/projects/{ID}/services"
BILLING = f"/v1/projects/{ID}/billingInfo"
BUCKET = f"/storage/v1/b/{ID}-media"


def policy(constraint: str) -> str:
    return f"/v2/projects/{ID}/policies/{constraint}:getEffectivePolicy"


def new_project() -> dict[str, Any]:
    """Path to answer, of a project in which nothing was created yet; what it does not have is answered with 404."""
    allowed = {"spec": {"rules": [{"allowAll": True}]}}
    constraints = (
        "iam.allowedPolicyMemberDomains",
        "gcp.resourceLocations",
        "run.allowedIngress",
        "cloudfunctions.allowedIngressSettings",
        "gcp.restrictNonCmekServices",
    )
    enabled = ("cloudresourcemanager", "serviceusage")
    return {
        SERVICES: {"services": [{"config": {"name": f"{api}.googleapis.com"}} for api in enabled]},
        BILLING: {"billingEnabled": True},
        QUOTAS: quota_infos(20, 40),
        KEYS: {},
        **{policy(constraint): allowed for constraint in constraints},
    }


def examined(answers: dict[str, Any], lacking: set[str] | None = None) -> list[DoctorFinding]:
    with served(answers) as (google, cloud):
        google.lacking = lacking or set()
        findings = [
            row for subject, check in CHECKS.items() for row in unless_unreadable(subject, check(cloud, "europe-west1"))
        ]
        assert {request.method for request in google.requests if "testIamPermissions" not in request.path} == {"GET"}
    return findings


def test_a_new_project_can_be_applied_to() -> None:
    """A project that Google has just created passes, and nothing in it is changed."""
    findings = examined(new_project())
    assert is_healthy(findings), [row for row in findings if row.level is Level.PROBLEM]


OBSTACLES: dict[str, tuple[str, Any, Level, str, str]] = {
    "Terraform's first APIs are off": (SERVICES, {}, Level.PROBLEM, "APIs", "gcloud services enable"),
    "no billing": (BILLING, {}, Level.PROBLEM, "billing", "gcloud billing projects link"),
    "a smaller quota": (QUOTAS, quota_infos(10, 20), Level.PROBLEM, "quota", "lower max_instances"),
    "no quota that Google states": (QUOTAS, {}, Level.NOTE, "quota", "20 vCPU and 40 GiB"),
    "allUsers refused": (
        policy("iam.allowedPolicyMemberDomains"),
        {"spec": {"rules": [{"values": {"allowedValues": ["is:C03abc"]}}]}},
        Level.PROBLEM,
        "public access",
        "--no-invoker-iam-check --region europe-west1",
    ),
    "a place of its own": (
        policy("gcp.resourceLocations"),
        {"spec": {"rules": [{"values": {"allowedValues": ["in:us-locations"]}}]}},
        Level.NOTE,
        "locations",
        "includes europe-west1",
    ),
    "no call from outside": (
        policy("run.allowedIngress"),
        {"spec": {"rules": [{"values": {"allowedValues": ["internal-and-cloud-load-balancing"]}}]}},
        Level.PROBLEM,
        "ingress",
        "load_balancer",
    ),
    "keys of one's own": (
        policy("gcp.restrictNonCmekServices"),
        {"spec": {"rules": [{"values": {"deniedValues": ["storage.googleapis.com"]}}]}},
        Level.PROBLEM,
        "encryption",
        "kms_key",
    ),
    "accounts already": (CONFIG, {"name": "projects/1/config"}, Level.NOTE, "Identity Platform", '"identity_platform"'),
    "documents already": (
        DATABASE,
        {"type": "FIRESTORE_NATIVE", "databaseEdition": "STANDARD", "locationId": "eur3"},
        Level.NOTE,
        "database",
        'firestore_location = "eur3"',
    ),
    "a Datastore": (DATABASE, {"type": "DATASTORE_MODE"}, Level.PROBLEM, "database", "another project"),
    "an Enterprise database": (
        DATABASE,
        {"type": "FIRESTORE_NATIVE", "databaseEdition": "ENTERPRISE"},
        Level.PROBLEM,
        "database",
        "another project",
    ),
    "somebody else's bucket": (BUCKET, 403, Level.PROBLEM, "bucket media", "another id"),
    "a bucket of an earlier installation": (BUCKET, {}, Level.PROBLEM, "bucket media", "import it"),
    "keys of an earlier installation": (
        KEYS,
        {"keys": [{"name": "projects/1/locations/global/keys/clipwise-app", "displayName": "Clipwise apps"}]},
        Level.NOTE,
        "API keys",
        "once no app uses them",
    ),
    "what may not be read": (policy("iam.allowedPolicyMemberDomains"), 403, Level.NOTE, "policies", "enable the API"),
    "a service that is down": (CONFIG, 503, Level.PROBLEM, "Identity Platform", "try again"),
}


@pytest.mark.parametrize("name", OBSTACLES)
def test_each_obstacle_is_named_with_what_to_change(name: str) -> None:
    """Whatever would stop the first apply halfway is found before, with the change that prevents it."""
    path, answer, level, subject, advice = OBSTACLES[name]
    (finding,) = [row for row in examined(new_project() | {path: answer}) if row.level is not Level.GOOD]
    assert (finding.level, finding.subject) == (level, subject)
    assert advice in finding.advice


def test_a_missing_permission_is_a_problem() -> None:
    """Whoever may not grant roles is told before a half of the deployment exists."""
    findings = examined(new_project(), {"resourcemanager.projects.setIamPolicy"})
    (finding,) = [row for row in findings if row.level is Level.PROBLEM]
    assert "resourcemanager.projects.setIamPolicy" in finding.said


def test_emulators_are_not_examined() -> None:
    """A shell with emulators in its environment is not mistaken for the project."""
    hosts = ("FIRESTORE_EMULATOR_HOST", "PUBSUB_EMULATOR_HOST", "STORAGE_EMULATOR_HOST")
    (finding,) = check_before_apply(ID, "europe-west1", dict.fromkeys(hosts, "127.0.0.1:1"))
    assert "emulators" in finding.said


def test_the_defaults_fit_a_new_project_with_and_without_models() -> None:
    """The first deployment is not refused for the quota that Google gives to a new project."""
    rows = wiring().functions
    assert NEW_PROJECT.covers(required_quota(rows))
    largest = {
        name: row.model_copy(update={"memory_mb": max([row.memory_mb, *row.models.values()])})
        for name, row in rows.items()
    }
    assert NEW_PROJECT.covers(required_quota(largest))


def test_processors_follow_from_memory() -> None:
    """The sum is Cloud Run's: fractions for small functions, whole processors for shared or large ones."""
    assert [cpus_of(size, whole=False) for size in (256, 512, 1024, 1280, 8192)] == [0.167, 0.333, 0.583, 1, 2]
    assert [cpus_of(size, whole=True) for size in (256, 2048, 4096)] == [1, 1, 2]
    assert str(Quota(17.08, 26.5)) == "17.08 vCPU and 26.5 GiB"
