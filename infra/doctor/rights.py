"""Checks the permissions of an account in a project with `testIamPermissions`."""

from __future__ import annotations

from infra.doctor import wanted
from infra.doctor.cloud import Cloud
from infra.doctor.finding import Finding, Findings, good, note, problem
from infra.reference.deployment import rights
from shared.wiring import wiring


def of_account(function: str, project: str) -> str:
    """Return the service account that Terraform creates for a function."""
    return f"clipwise-{function}@{project}.iam.gserviceaccount.com"


def check_rights(cloud: Cloud, prefix: str, function: str | None) -> Findings:
    """Check the permissions of one function, or of all; for the user's own account, a missing one is only a note."""
    names = [function] if function else list(wiring().functions)
    given = {name: rights()[name] for name in names}
    who = f"{function}'s account" if function else "your account"

    if any(row.get("documents") for row in given.values()):
        path = f"v1/projects/{cloud.project}:testIamPermissions"
        lacking = _lacking(cloud, "cloudresourcemanager", path, wanted.DOCUMENTS)
        yield _judged(function, f"{who} in the database", lacking)
    for bucket in wiring().buckets:
        verbs = {verb for row in given.values() for verb in row.get("objects", {}).get(bucket, [])}
        needed = tuple(sorted(name for verb in verbs for name in wanted.OBJECTS[verb]))
        if needed:
            asked = "&".join(f"permissions={name}" for name in needed)
            answer = cloud.get("storage", f"storage/v1/b/{prefix}{bucket}/iam/testPermissions?{asked}")
            lacking = sorted(set(needed) - set(answer.get("permissions", [])))
            yield _judged(function, f"{who} in the bucket {bucket}", lacking)
    published = {target for name in names for target in wiring().functions[name].publishes} - set(wiring().buckets)
    for topic in sorted(published):
        path = f"v1/projects/{cloud.project}/topics/{topic}:testIamPermissions"
        lacking = _lacking(cloud, "pubsub", path, ("pubsub.topics.publish",))
        yield _judged(function, f"{who} on the topic {topic}", lacking)


def _lacking(cloud: Cloud, service: str, path: str, needed: tuple[str, ...]) -> list[str]:
    answer = cloud.post(service, path, {"permissions": list(needed)})
    return sorted(set(needed) - set(answer.get("permissions", [])))


def _judged(function: str | None, subject: str, lacking: list[str]) -> Finding:
    if not lacking:
        return good(subject, "all required permissions are granted")
    said = "missing permissions: " + ", ".join(lacking)
    if function:
        return problem(subject, said, "run `terraform apply`; see terraform/rights.yaml for the expected permissions")
    return note(subject, said, "only the functions need them; --function NAME checks a function's account")
