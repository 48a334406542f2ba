"""Checks of a project before `terraform apply`: what Google would refuse halfway, and what to change first."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from infra.doctor.cloud import CloudApiError, CloudClient, NoCredentials, missing_permissions, open_cloud
from infra.doctor.findings import Findings, good, note, problem
from infra.doctor.quota import NEW_PROJECT, read_quota, required_quota
from shared.wiring import wiring

# Terraform enables all other APIs by means of these.
FIRST_APIS = ("cloudresourcemanager", "serviceusage")
# A sample of what an account that applies must be able to do: one of each kind of resource that roles separate.
PERMISSIONS = (
    "cloudfunctions.functions.create",
    "iam.roles.create",
    "iam.serviceAccounts.create",
    "pubsub.topics.create",
    "resourcemanager.projects.setIamPolicy",
    "run.services.setIamPolicy",
    "secretmanager.secrets.create",
    "serviceusage.services.enable",
    "storage.buckets.create",
)
WITHOUT_PUBLIC = (
    "set `api_invokers = []`, and after the apply run `gcloud run services update api --no-invoker-iam-check"
    " --region {region}`; or have the policy except this project"
)


def check_before_apply(project: str, region: str, environ: Mapping[str, str] = os.environ) -> Findings:
    """Run all checks of a project in which nothing is deployed yet; changes nothing."""
    try:
        with open_cloud(project, None, environ) as cloud:
            if cloud.emulated:
                yield problem("project", "the environment names emulators", "unset the *_EMULATOR_HOST variables")
                return
            for subject, check in CHECKS.items():
                yield from unless_unreadable(subject, check(cloud, region))
    except NoCredentials as error:
        yield problem("credentials", *str(error).removesuffix(".").rsplit("; ", 1))


def unless_unreadable(subject: str, findings: Findings) -> Findings:
    """Yield the findings; what the account may not read, or what does not answer, is a finding too."""
    try:
        yield from findings
    except CloudApiError as error:
        if error.is_forbidden:
            yield note(
                subject, f"not readable: {error}", "enable the API that the message names, or ask an administrator"
            )
        elif error.is_missing:
            yield problem(subject, f"not found: {error}", "check the project id, and that you may see the project")
        else:
            yield problem(subject, str(error), "check the network, and try again")


def check_apis(cloud: CloudClient, region: str) -> Findings:
    path = f"v1/projects/{cloud.project}/services?filter=state:ENABLED&pageSize=200"
    enabled = {service["config"]["name"] for service in cloud.list_items("serviceusage", path, "services")}
    missing = [f"{api}.googleapis.com" for api in FIRST_APIS if f"{api}.googleapis.com" not in enabled]
    if missing:
        advice = f"run `gcloud services enable {' '.join(missing)} --project {cloud.project}`"
        yield problem("APIs", "Terraform cannot begin without " + ", ".join(missing), advice)
    else:
        yield good("APIs", f"{len(enabled)} are enabled; Terraform enables the others")


def check_billing(cloud: CloudClient, region: str) -> Findings:
    billing = cloud.get("cloudbilling", f"v1/projects/{cloud.project}/billingInfo")
    if billing.get("billingEnabled"):
        yield good("billing", "the project has a billing account")
    else:
        advice = f"run `gcloud billing projects link {cloud.project} --billing-account ACCOUNT`"
        yield problem("billing", "the project has no billing account", advice)


def check_permissions(cloud: CloudClient, region: str) -> Findings:
    path = f"v1/projects/{cloud.project}:testIamPermissions"
    missing = missing_permissions(cloud, "cloudresourcemanager", path, PERMISSIONS)
    if missing:
        yield problem("your account", "missing permissions: " + ", ".join(missing), "get the role Owner on the project")
    else:
        yield good("your account", "may create what Terraform creates")


def check_quota(cloud: CloudClient, region: str) -> Findings:
    """Compare Cloud Run's quota, which it checks at each deployment, with the sizes of the wiring table."""
    required = required_quota(wiring().functions)
    granted = read_quota(cloud, region)
    if granted is None:
        outcome = f"Google states no quota of Cloud Run for {region}; the defaults take {required}"
        yield note("quota", outcome, f"check it at IAM & Admin > Quotas; a new project has {NEW_PROJECT}")
    elif granted.covers(required):
        yield good("quota", f"{granted} in {region}; the defaults take {required}. Larger sizes need `quota` to say so")
    else:
        advice = "lower max_instances in `functions`, or request a higher quota at IAM & Admin > Quotas"
        yield problem("quota", f"{granted} in {region}, but the defaults take {required}", advice)


def check_policies(cloud: CloudClient, region: str) -> Findings:
    """Check the organization policies that refuse a part of the deployment."""
    members = effective_rules(cloud, "iam.allowedPolicyMemberDomains")
    if restricts(members):
        outcome = "the policy iam.allowedPolicyMemberDomains refuses allUsers, so nobody could call the API"
        yield problem("public access", outcome, WITHOUT_PUBLIC.format(region=region))
    else:
        yield good("public access", "no policy refuses allUsers")
    locations = effective_rules(cloud, "gcp.resourceLocations")
    if restricts(locations):
        outcome = "the policy gcp.resourceLocations permits only: " + ", ".join(
            allowed_values(locations) or ["nothing"]
        )
        yield note("locations", outcome, f"check that it includes {region} and the location of Firestore")
    for constraint in ("run.allowedIngress", "cloudfunctions.allowedIngressSettings"):
        allowed = allowed_values(rules := effective_rules(cloud, constraint))
        if restricts(rules) and not {"all", "ALLOW_ALL"} & set(allowed):
            outcome = f"the policy {constraint} permits only: " + ", ".join(allowed or ["nothing"])
            yield problem("ingress", outcome, "set `load_balancer`, with which the API takes calls through it only")
    if restricts(effective_rules(cloud, "gcp.restrictNonCmekServices")):
        outcome = "the policy gcp.restrictNonCmekServices demands keys of yours"
        yield problem("encryption", outcome, "set `kms_key` to a key in the region")


def effective_rules(cloud: CloudClient, constraint: str) -> list[dict[str, Any]]:
    """Return the rules that apply to the project after inheritance; none where nothing is restricted."""
    path = f"v2/projects/{cloud.project}/policies/{constraint}:getEffectivePolicy"
    rules: list[dict[str, Any]] = cloud.get("orgpolicy", path).get("spec", {}).get("rules", [])
    return rules


def restricts(rules: list[dict[str, Any]]) -> bool:
    return any(rule.get("denyAll") or rule.get("values") for rule in rules)


def allowed_values(rules: list[dict[str, Any]]) -> list[str]:
    return [value for rule in rules for value in rule.get("values", {}).get("allowedValues", [])]


def check_identity(cloud: CloudClient, region: str) -> Findings:
    """Check whether Identity Platform is on; it can be switched on only once and never off."""
    try:
        cloud.get("identitytoolkit", f"admin/v2/projects/{cloud.project}/config")
    except CloudApiError as error:
        if not error.is_missing:
            raise
        yield good("Identity Platform", "off; Terraform switches it on")
    else:
        yield note("Identity Platform", "already on", adopt("identity_platform"))


def check_database(cloud: CloudClient, region: str) -> Findings:
    try:
        database = cloud.get("firestore", f"v1/projects/{cloud.project}/databases/(default)")
    except CloudApiError as error:
        if not error.is_missing:
            raise
        yield good("database", "there is none; Terraform creates it")
        return
    kind, edition = database.get("type"), database.get("databaseEdition", "STANDARD")
    if kind != "FIRESTORE_NATIVE" or edition != "STANDARD":
        outcome = f"the database (default) is {kind} of the edition {edition}, which can never be changed"
        yield problem("database", outcome, "use another project, or delete the database if nobody needs it")
    else:
        advice = f'{adopt("database")}, and `firestore_location = "{database.get("locationId")}"`'
        yield note("database", f"there is one already, in {database.get('locationId')}", advice)


def adopt(resource: str) -> str:
    return f'apply with `adopt = ["{resource}"]`, which imports it (docs/deploy.md)'


def check_buckets(cloud: CloudClient, region: str) -> Findings:
    """Check that the names of the buckets, which all projects of Google share, are free."""
    for name in [*wiring().buckets, "sources"]:
        bucket = f"{cloud.project}-{name}"
        try:
            cloud.get("storage", f"storage/v1/b/{bucket}")
        except CloudApiError as error:
            if error.is_forbidden:
                outcome = f"the name {bucket} is taken by somebody else's project"
                yield problem(f"bucket {name}", outcome, "use a project with another id: buckets are named after it")
            elif error.is_missing:
                yield good(f"bucket {name}", f"the name {bucket} is free")
            else:
                raise
        else:
            advice = "delete it, or import it into the state if an earlier installation left it"
            yield problem(f"bucket {name}", f"{bucket} exists already", advice)


def check_keys(cloud: CloudClient, region: str) -> Findings:
    """Name the apps' keys of earlier installations; a new one gets a name of its own, so that none is in the way."""
    path = f"v2/projects/{cloud.project}/locations/global/keys?pageSize=300"
    keys = [key for key in cloud.list_items("apikeys", path, "keys") if key.get("displayName") == "Clipwise apps"]
    if keys:
        names = ", ".join(key["name"].rsplit("/", 1)[-1] for key in keys)
        yield note("API keys", f"an earlier installation left: {names}", "delete them once no app uses them")
    else:
        yield good("API keys", "none of an earlier installation")


CHECKS: dict[str, Callable[[CloudClient, str], Findings]] = {
    "APIs": check_apis,
    "billing": check_billing,
    "your account": check_permissions,
    "quota": check_quota,
    "policies": check_policies,
    "Identity Platform": check_identity,
    "database": check_database,
    "buckets": check_buckets,
    "API keys": check_keys,
}
