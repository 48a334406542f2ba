"""Checks the permissions of an account in a project with `testIamPermissions`."""

from __future__ import annotations

from infra.doctor.cloud import CloudClient
from infra.doctor.expected_resources import DOCUMENT_PERMISSIONS, OBJECT_PERMISSIONS
from infra.doctor.findings import DoctorFinding, Findings, good, note, problem
from infra.reference.tables import rights
from shared.wiring import wiring


def service_account(function: str, project: str) -> str:
    """Return the service account that Terraform creates for a function."""
    return f"clipwise-{function}@{project}.iam.gserviceaccount.com"


def check_permissions(cloud: CloudClient, prefix: str, function: str | None) -> Findings:
    """Check the permissions of one function, or of all; for the user's own account, a missing one is only a note."""
    names = [function] if function else list(wiring().functions)
    granted = {name: rights()[name] for name in names}
    account = f"{function}'s account" if function else "your account"

    if any(row.get("documents") for row in granted.values()):
        path = f"v1/projects/{cloud.project}:testIamPermissions"
        missing = _missing_permissions(cloud, "cloudresourcemanager", path, DOCUMENT_PERMISSIONS)
        yield _permission_finding(function, f"{account} in the database", missing)
    for bucket in wiring().buckets:
        verbs = {verb for row in granted.values() for verb in row.get("objects", {}).get(bucket, [])}
        required = tuple(sorted(name for verb in verbs for name in OBJECT_PERMISSIONS[verb]))
        if required:
            query = "&".join(f"permissions={name}" for name in required)
            response = cloud.get("storage", f"storage/v1/b/{prefix}{bucket}/iam/testPermissions?{query}")
            missing = sorted(set(required) - set(response.get("permissions", [])))
            yield _permission_finding(function, f"{account} in the bucket {bucket}", missing)
    published = {target for name in names for target in wiring().functions[name].publishes} - set(wiring().buckets)
    for topic in sorted(published):
        path = f"v1/projects/{cloud.project}/topics/{topic}:testIamPermissions"
        missing = _missing_permissions(cloud, "pubsub", path, ("pubsub.topics.publish",))
        yield _permission_finding(function, f"{account} on the topic {topic}", missing)


def _missing_permissions(cloud: CloudClient, service: str, path: str, required: tuple[str, ...]) -> list[str]:
    response = cloud.post(service, path, {"permissions": list(required)})
    return sorted(set(required) - set(response.get("permissions", [])))


def _permission_finding(function: str | None, subject: str, missing: list[str]) -> DoctorFinding:
    if not missing:
        return good(subject, "all required permissions are granted")
    outcome = "missing permissions: " + ", ".join(missing)
    if function:
        return problem(
            subject, outcome, "run `terraform apply`; see terraform/rights.yaml for the expected permissions"
        )
    return note(subject, outcome, "only the functions need them; --function NAME checks a function's account")
