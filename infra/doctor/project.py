"""Checks that a Google Cloud project, or the emulators, contain everything in the wiring table."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from infra.doctor import cloud as expected
from infra.doctor.cloud import CloudApiError, CloudClient, NoCredentials, check_permissions, open_cloud, service_account
from infra.doctor.findings import Findings, good, note, problem
from infra.doctor.quota import read_quota, required_quota
from infra.runtimes.emulated.provision import ACK_SEC
from shared.media.audio.ffmpeg_program import BROKEN, FOUND, MISSING
from shared.wiring import EXTRACT, Wiring, wiring

APPLY = "run `terraform apply`"
START = "run `clipwise up --emulators` and set the *_EMULATOR_HOST variables that it prints"


def check_project(project: str, function: str | None = None, environ: Mapping[str, str] = os.environ) -> Findings:
    """Run all checks of a project.

    Args:
        function: Check the permissions of this function's account by impersonating it; None for the user's own.
        environ: Contains the emulators' hosts and BUCKET_PREFIX.
    """
    prefix = environ.get("BUCKET_PREFIX") or f"{project}-"
    try:
        with open_cloud(project, function and service_account(function, project), environ) as cloud:
            yield good("credentials", "not required by the emulators" if cloud.emulated else "available")
            if not function:
                for subject, check in (EMULATOR_CHECKS if cloud.emulated else CLOUD_CHECKS).items():
                    yield from with_api_errors(subject, cloud, check(cloud, prefix))
            if not cloud.emulated:
                yield from with_api_errors("rights", cloud, check_permissions(cloud, prefix, function))
    except NoCredentials as error:
        yield problem("credentials", *str(error).removesuffix(".").rsplit("; ", 1))


def with_api_errors(subject: str, cloud: CloudClient, findings: Findings) -> Findings:
    """Yield the findings, with one for a service that rejects a request or does not respond."""
    try:
        yield from findings
    except CloudApiError as error:
        if error.is_forbidden:
            yield note(subject, str(error), "request the role Viewer on the project, or enable the API")
        else:
            yield problem(subject, str(error), START if cloud.emulated else "check the project id and the network")


def check_apis(cloud: CloudClient, prefix: str) -> Findings:
    path = f"v1/projects/{cloud.project}/services?filter=state:ENABLED&pageSize=200"
    enabled = {service["config"]["name"] for service in cloud.list_items("serviceusage", path, "services")}
    missing = [api for api in expected.APIS if f"{api}.googleapis.com" not in enabled]
    if missing:
        advice = f"{APPLY}, or `gcloud services enable {' '.join(missing)} --project {cloud.project}`"
        yield problem("APIs", "not enabled: " + ", ".join(missing), advice)
    else:
        yield good("APIs", f"all {len(expected.APIS)} are enabled")


def check_buckets(cloud: CloudClient, prefix: str) -> Findings:
    for name in expected.deployed_wiring(cloud, prefix).buckets:
        bucket, subject = f"{prefix}{name}", f"bucket {name}"
        try:
            if cloud.emulated:
                cloud.get("storage", f"storage/v1/b/{bucket}/o?maxResults=1")
                yield good(subject, bucket)
                continue
            config = cloud.get("storage", f"storage/v1/b/{bucket}")
        except CloudApiError as error:
            if not error.is_missing:
                raise
            yield problem(subject, f"the bucket {bucket} does not exist", START if cloud.emulated else APPLY)
            continue
        access = config.get("iamConfiguration", {})
        if access.get("publicAccessPrevention") != "enforced":
            yield problem(subject, f"{bucket} does not enforce public access prevention", APPLY)
        elif not access.get("uniformBucketLevelAccess", {}).get("enabled"):
            yield problem(subject, f"{bucket} does not use uniform bucket-level access", APPLY)
        else:
            yield good(subject, f"{bucket}, in {config.get('location', 'an unknown location')}; not public")
        yield from check_notification(cloud, name, bucket)


def check_notification(cloud: CloudClient, name: str, bucket: str) -> Findings:
    """Check that finalized objects are published to the topic that triggers a function."""
    topics = {expected.trigger_topic(row, cloud.emulated) for row in wiring().listeners(bucket=name)}
    if not topics:
        return
    configured = cloud.get("storage", f"storage/v1/b/{bucket}/notificationConfigs").get("items", [])
    notified = {
        config["topic"].rsplit("/", 1)[-1]
        for config in configured
        if "OBJECT_FINALIZE" in config.get("event_types", ["OBJECT_FINALIZE"])
    }
    unpublished = sorted(filter(None, topics - notified))
    if unpublished:
        yield problem(
            f"bucket {name}", f"uploads are not published to {', '.join(unpublished)}: no job would start", APPLY
        )


def check_topics(cloud: CloudClient, prefix: str) -> Findings:
    path = f"v1/projects/{cloud.project}/topics?pageSize=1000"
    existing = {topic["name"].rsplit("/", 1)[-1] for topic in cloud.list_items("pubsub", path, "topics")}
    required = expected.topics(expected.deployed_wiring(cloud, prefix), cloud.emulated)
    if missing := sorted(required - existing):
        yield problem("topics", "missing: " + ", ".join(missing), START if cloud.emulated else APPLY)
    else:
        yield good("topics", f"all {len(required)} exist")


def check_subscriptions(cloud: CloudClient, prefix: str) -> Findings:
    advice = START if cloud.emulated else f"{APPLY}; see functions/pipeline.yaml for the expected values"
    for row in expected.subscriptions(expected.deployed_wiring(cloud, prefix), cloud.emulated):
        subject = f"subscription {row.name}"
        try:
            subscription = cloud.get("pubsub", f"v1/projects/{cloud.project}/subscriptions/{row.name}")
        except CloudApiError as error:
            if not error.is_missing:
                raise
            yield problem(subject, f"missing: {row.name} is never called", advice)
            continue
        if wrong := subscription_differences(subscription, row):
            yield problem(subject, "; ".join(wrong), advice)
        else:
            yield good(subject, f"pushes {row.topic}, at most {row.deliveries} deliveries per message")
    yield from check_dead_letters(cloud)


def subscription_differences(subscription: dict[str, Any], row: expected.PushSubscription) -> list[str]:
    """Compare a subscription from Pub/Sub's REST API with the wiring table, and describe the differences."""
    letters, retry = subscription.get("deadLetterPolicy", {}), subscription.get("retryPolicy", {})
    backoff = (f"{row.backoff.min:g}s", f"{row.backoff.max:g}s") if row.backoff else (None, None)
    comparisons = {
        "topic": (short_name(subscription.get("topic")), row.topic),
        "state": (subscription.get("state", "ACTIVE"), "ACTIVE"),
        "ack deadline": (subscription.get("ackDeadlineSeconds"), row.ack_sec),
        "dead-letter topic": (short_name(letters.get("deadLetterTopic")), wiring().dead_letter_topic),
        "deliveries": (letters.get("maxDeliveryAttempts"), row.deliveries),
        "minimum backoff": (retry.get("minimumBackoff"), backoff[0]),
        "maximum backoff": (retry.get("maximumBackoff"), backoff[1]),
    }
    wrong = [
        f"{field} is {has or 'none'}, not {should}" for field, (has, should) in comparisons.items() if has != should
    ]
    if not subscription.get("pushConfig", {}).get("pushEndpoint"):
        wrong.append("it has no push endpoint")
    return wrong


def check_dead_letters(cloud: CloudClient) -> Findings:
    name = wiring().dead_letter_topic
    try:
        cloud.get("pubsub", f"v1/projects/{cloud.project}/subscriptions/{name}")
    except CloudApiError as error:
        if not error.is_missing:
            raise
        outcome = "there is no subscription, so undeliverable messages are lost"
        yield problem("dead letters", outcome, START if cloud.emulated else APPLY)
    else:
        yield good("dead letters", f"kept in the subscription {name}")


def check_database(cloud: CloudClient, prefix: str) -> Findings:
    path = f"v1/projects/{cloud.project}/databases/(default)"
    if cloud.emulated:
        cloud.get("firestore", f"{path}/documents/jobs?pageSize=1")
        yield good("database", "the Firestore emulator responds; it needs no indexes")
        return
    try:
        kind = cloud.get("firestore", path).get("type")
    except CloudApiError as error:
        if not error.is_missing:
            raise
        yield problem("database", "the Firestore database (default) does not exist", APPLY)
        return
    if kind != "FIRESTORE_NATIVE":
        yield problem("database", f"its type is {kind}, not native mode", "use another project: the type is permanent")
        return
    yield good("database", "Firestore, native mode")
    groups = f"{path}/collectionGroups/-"
    states = {
        expected.index_key(index["name"].split("/collectionGroups/")[1].split("/")[0], index["fields"]): index["state"]
        for index in cloud.list_items("firestore", f"{groups}/indexes?pageSize=300", "indexes")
    }
    missing = sorted(expected.indexes() - set(states))
    building = sorted(key for key in expected.indexes() & set(states) if states[key] != "READY")
    if missing:
        yield problem("indexes", "missing, so queries fail: " + "; ".join(missing), APPLY)
    if building:
        yield note(
            "indexes", "not ready: " + "; ".join(building), "wait a few minutes; until then queries that need them fail"
        )
    if not missing and not building:
        yield good("indexes", f"all {len(expected.indexes())} are ready")
    fields = cloud.list_items("firestore", f"{groups}/fields?filter=ttlConfig:*&pageSize=300", "fields")
    with_ttl = {field["name"].split("/collectionGroups/")[1].split("/")[0] for field in fields}
    if without_ttl := sorted(expected.ttl_collections() - with_ttl):
        yield problem("expiry", "no TTL policy, so expired documents are kept: " + ", ".join(without_ttl), APPLY)


def check_functions(cloud: CloudClient, prefix: str) -> Findings:
    path = f"v2/projects/{cloud.project}/locations/-/functions?pageSize=100"
    deployed = {
        deployment["name"].rsplit("/", 1)[-1]: deployment
        for deployment in cloud.list_items("cloudfunctions", path, "functions")
    }
    table = expected.deployed_wiring(cloud, prefix)
    for name, row in table.functions.items():
        subject, deployment = f"function {name}", deployed.get(name)
        if deployment is None:
            yield problem(subject, "not deployed", f"run `make package`, then {APPLY}")
            continue
        service = deployment.get("serviceConfig", {})
        if deployment.get("state") != "ACTIVE":
            why = "; ".join(message.get("message", "") for message in deployment.get("stateMessages", []))
            yield problem(
                subject, f"its state is {deployment.get('state')} {why}".strip(), f"check its build log, then {APPLY}"
            )
        elif service.get("timeoutSeconds", row.timeout_sec) > ACK_SEC[1]:
            yield problem(subject, "its timeout exceeds the acknowledgement deadline of its events", APPLY)
        elif service.get("maxInstanceRequestConcurrency", row.concurrency) != row.concurrency:
            outcome = f"its concurrency is {service.get('maxInstanceRequestConcurrency')}, not {row.concurrency}"
            yield note(subject, outcome, "ignore this if your Terraform variables set it")
        else:
            yield good(subject, f"active, at most {service.get('maxInstanceCount', row.max_instances)} instances")
    regions = {deployment["name"].split("/locations/")[1].split("/")[0] for deployment in deployed.values()}
    for region in regions:
        yield from check_schedule(cloud, region)
        yield from check_quota(cloud, table, region)


def check_ffmpeg(cloud: CloudClient, prefix: str) -> Findings:
    """Check whether the newest instance of `extract` found ffmpeg, by the line that it logs at its start."""
    of_extract = f'resource.type="cloud_run_revision" AND resource.labels.service_name="{EXTRACT}"'
    query = {
        "resourceNames": [f"projects/{cloud.project}"],
        "filter": f'{of_extract} AND jsonPayload.message=~"^({FOUND}|{MISSING}|{BROKEN})"',
        "orderBy": "timestamp desc",
        "pageSize": 1,
    }
    entries = cloud.post("logging", "v2/entries:list", query).get("entries", [])
    if not entries:
        yield note("ffmpeg", f"{EXTRACT} has logged nothing about it yet", "run `clipwise smoke`")
        return
    line = entries[0].get("jsonPayload", {}).get("message", "")
    if line.startswith(FOUND):
        yield good("ffmpeg", line)
    else:
        advice = f"set `runtime` in Terraform to one whose image has ffmpeg, and deploy {EXTRACT} again"
        yield problem("ffmpeg", line, advice)


def check_schedule(cloud: CloudClient, region: str) -> Findings:
    path = f"v1/projects/{cloud.project}/locations/{region}/jobs?pageSize=100"
    running = {
        short_name(job.get("pubsubTarget", {}).get("topicName"))
        for job in cloud.list_items("cloudscheduler", path, "jobs")
        if job.get("state") == "ENABLED"
    }
    for row in wiring().functions.values():
        if row.trigger.every_minutes and row.trigger.topic not in running:
            yield problem("schedule", f"{row.name} is not scheduled, so stuck jobs stay stuck", APPLY)


def check_quota(cloud: CloudClient, table: Wiring, region: str) -> Findings:
    """Check that Cloud Run's quota covers what all functions may use at once."""
    try:
        granted = read_quota(cloud, region)
    except CloudApiError as error:
        if not error.is_forbidden:
            raise
        advice = "enable cloudquotas.googleapis.com, or see IAM & Admin > Quotas in the console"
        yield note("quotas", "not readable", advice)
        return
    if granted is None:
        return
    required = required_quota(table.functions)
    outcome = f"Cloud Run grants {granted} in {region}; all functions together may use {required}"
    if granted.covers(required):
        yield good("quotas", outcome)
    else:
        yield note("quotas", outcome, "request a higher quota, or lower max_instances; see docs/scale.md")


def check_secrets(cloud: CloudClient, prefix: str) -> Findings:
    path = f"v1/projects/{cloud.project}/secrets?pageSize=200"
    existing = {secret["name"].rsplit("/", 1)[-1] for secret in cloud.list_items("secretmanager", path, "secrets")}
    secret_names = {name for row in wiring().functions.values() for name in row.secrets}
    for name in sorted(secret_names & existing):
        versions = cloud.list_items("secretmanager", f"v1/projects/{cloud.project}/secrets/{name}/versions", "versions")
        if any(version.get("state") == "ENABLED" for version in versions):
            yield good(f"secret {name}", "has a version; its value was not read")
        else:
            advice = f"run `gcloud secrets versions add {name} --data-file=- --project {cloud.project}`"
            yield problem(f"secret {name}", "has no version, so functions that need it do not start", advice)
    if "SIGNING_KEY" in secret_names - existing:
        yield problem("secret SIGNING_KEY", "missing, so links and webhooks cannot be signed", APPLY)
    if absent := sorted(secret_names - existing - {"SIGNING_KEY"}):
        yield note("secrets", "not configured: " + ", ".join(absent), "list those you need in Terraform's `secrets`")


def short_name(name: str | None) -> str | None:
    return name.rsplit("/", 1)[-1] if name else None


EMULATOR_CHECKS: dict[str, Callable[[CloudClient, str], Findings]] = {
    "buckets": check_buckets,
    "topics": check_topics,
    "subscriptions": check_subscriptions,
    "database": check_database,
}
CLOUD_CHECKS = {
    "APIs": check_apis,
    **EMULATOR_CHECKS,
    "functions": check_functions,
    "ffmpeg": check_ffmpeg,
    "secrets": check_secrets,
}
