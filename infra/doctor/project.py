"""Checks that a Google Cloud project, or the emulators, contain everything in the wiring table."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from infra.doctor import wanted
from infra.doctor.cloud import Cloud, NoAnswer, NoCredentials, open_cloud
from infra.doctor.finding import Findings, good, note, problem
from infra.doctor.rights import check_rights, of_account
from infra.runtimes.emulated.provision import ACK_SEC
from shared.wiring import wiring

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
        with open_cloud(project, function and of_account(function, project), environ) as cloud:
            yield good("credentials", "not required by the emulators" if cloud.emulated else "available")
            if not function:
                for subject, check in (EMULATED_PARTS if cloud.emulated else PARTS).items():
                    yield from told(subject, cloud, check(cloud, prefix))
            if not cloud.emulated:
                yield from told("rights", cloud, check_rights(cloud, prefix, function))
    except NoCredentials as error:
        yield problem("credentials", *str(error).removesuffix(".").rsplit("; ", 1))


def told(subject: str, cloud: Cloud, findings: Findings) -> Findings:
    """Yield the findings, with one for a service that rejects a request or does not respond."""
    try:
        yield from findings
    except NoAnswer as refusal:
        if refusal.forbidden:
            yield note(subject, str(refusal), "request the role Viewer on the project, or enable the API")
        else:
            yield problem(subject, str(refusal), START if cloud.emulated else "check the project id and the network")


def check_apis(cloud: Cloud, prefix: str) -> Findings:
    path = f"v1/projects/{cloud.project}/services?filter=state:ENABLED&pageSize=200"
    enabled = {service["config"]["name"] for service in cloud.pages("serviceusage", path, "services")}
    missing = [api for api in wanted.APIS if f"{api}.googleapis.com" not in enabled]
    if missing:
        advice = f"{APPLY}, or `gcloud services enable {' '.join(missing)} --project {cloud.project}`"
        yield problem("APIs", "not enabled: " + ", ".join(missing), advice)
    else:
        yield good("APIs", f"all {len(wanted.APIS)} are enabled")


def check_buckets(cloud: Cloud, prefix: str) -> Findings:
    for name in wiring().buckets:
        bucket, subject = f"{prefix}{name}", f"bucket {name}"
        try:
            if cloud.emulated:
                cloud.get("storage", f"storage/v1/b/{bucket}/o?maxResults=1")
                yield good(subject, bucket)
                continue
            found = cloud.get("storage", f"storage/v1/b/{bucket}")
        except NoAnswer as refusal:
            if not refusal.missing:
                raise
            yield problem(subject, f"the bucket {bucket} does not exist", START if cloud.emulated else APPLY)
            continue
        access = found.get("iamConfiguration", {})
        if access.get("publicAccessPrevention") != "enforced":
            yield problem(subject, f"{bucket} does not enforce public access prevention", APPLY)
        elif not access.get("uniformBucketLevelAccess", {}).get("enabled"):
            yield problem(subject, f"{bucket} does not use uniform bucket-level access", APPLY)
        else:
            yield good(subject, f"{bucket}, in {found.get('location', 'an unknown location')}; not public")
        yield from check_notification(cloud, name, bucket)


def check_notification(cloud: Cloud, name: str, bucket: str) -> Findings:
    """Check that finalized objects are published to the topic that triggers a function."""
    topics = {wanted.topic_of(row, cloud.emulated) for row in wiring().listeners(bucket=name)}
    if not topics:
        return
    configured = cloud.get("storage", f"storage/v1/b/{bucket}/notificationConfigs").get("items", [])
    told = {
        config["topic"].rsplit("/", 1)[-1]
        for config in configured
        if "OBJECT_FINALIZE" in config.get("event_types", ["OBJECT_FINALIZE"])
    }
    silent = sorted(filter(None, topics - told))
    if silent:
        yield problem(f"bucket {name}", f"uploads are not published to {', '.join(silent)}: no job would start", APPLY)


def check_topics(cloud: Cloud, prefix: str) -> Findings:
    path = f"v1/projects/{cloud.project}/topics?pageSize=1000"
    there = {topic["name"].rsplit("/", 1)[-1] for topic in cloud.pages("pubsub", path, "topics")}
    needed = wanted.topics(cloud.emulated)
    if missing := sorted(needed - there):
        yield problem("topics", "missing: " + ", ".join(missing), START if cloud.emulated else APPLY)
    else:
        yield good("topics", f"all {len(needed)} exist")


def check_subscriptions(cloud: Cloud, prefix: str) -> Findings:
    advice = START if cloud.emulated else f"{APPLY}; see functions/pipeline.yaml for the expected values"
    for row in wanted.subscriptions(cloud.emulated):
        subject = f"subscription {row.name}"
        try:
            found = cloud.get("pubsub", f"v1/projects/{cloud.project}/subscriptions/{row.name}")
        except NoAnswer as refusal:
            if not refusal.missing:
                raise
            yield problem(subject, f"missing: {row.name} is never called", advice)
            continue
        if wrong := differences(found, row):
            yield problem(subject, "; ".join(wrong), advice)
        else:
            yield good(subject, f"pushes {row.topic}, at most {row.deliveries} deliveries per message")
    yield from check_dead_letters(cloud)


def differences(found: dict[str, Any], row: wanted.Subscription) -> list[str]:
    """Compare a subscription from Pub/Sub's REST API with the wiring table, and describe the differences."""
    letters, retry = found.get("deadLetterPolicy", {}), found.get("retryPolicy", {})
    backoff = (f"{row.backoff.min:g}s", f"{row.backoff.max:g}s") if row.backoff else (None, None)
    is_and_should = {
        "topic": (last(found.get("topic")), row.topic),
        "state": (found.get("state", "ACTIVE"), "ACTIVE"),
        "ack deadline": (found.get("ackDeadlineSeconds"), row.ack_sec),
        "dead-letter topic": (last(letters.get("deadLetterTopic")), wiring().dead_letter_topic),
        "deliveries": (letters.get("maxDeliveryAttempts"), row.deliveries),
        "minimum backoff": (retry.get("minimumBackoff"), backoff[0]),
        "maximum backoff": (retry.get("maximumBackoff"), backoff[1]),
    }
    wrong = [
        f"{what} is {has or 'none'}, not {should}" for what, (has, should) in is_and_should.items() if has != should
    ]
    if not found.get("pushConfig", {}).get("pushEndpoint"):
        wrong.append("it has no push endpoint")
    return wrong


def check_dead_letters(cloud: Cloud) -> Findings:
    name = wiring().dead_letter_topic
    try:
        cloud.get("pubsub", f"v1/projects/{cloud.project}/subscriptions/{name}")
    except NoAnswer as refusal:
        if not refusal.missing:
            raise
        said = "there is no subscription, so undeliverable messages are lost"
        yield problem("dead letters", said, START if cloud.emulated else APPLY)
    else:
        yield good("dead letters", f"kept in the subscription {name}")


def check_database(cloud: Cloud, prefix: str) -> Findings:
    path = f"v1/projects/{cloud.project}/databases/(default)"
    if cloud.emulated:
        cloud.get("firestore", f"{path}/documents/jobs?pageSize=1")
        yield good("database", "the Firestore emulator responds; it needs no indexes")
        return
    try:
        kind = cloud.get("firestore", path).get("type")
    except NoAnswer as refusal:
        if not refusal.missing:
            raise
        yield problem("database", "the Firestore database (default) does not exist", APPLY)
        return
    if kind != "FIRESTORE_NATIVE":
        yield problem("database", f"its type is {kind}, not native mode", "use another project: the type is permanent")
        return
    yield good("database", "Firestore, native mode")
    groups = f"{path}/collectionGroups/-"
    states = {
        wanted.index_key(index["name"].split("/collectionGroups/")[1].split("/")[0], index["fields"]): index["state"]
        for index in cloud.pages("firestore", f"{groups}/indexes?pageSize=300", "indexes")
    }
    missing = sorted(wanted.indexes() - set(states))
    building = sorted(key for key in wanted.indexes() & set(states) if states[key] != "READY")
    if missing:
        yield problem("indexes", "missing, so queries fail: " + "; ".join(missing), APPLY)
    if building:
        yield note(
            "indexes", "not ready: " + "; ".join(building), "wait a few minutes; until then queries that need them fail"
        )
    if not missing and not building:
        yield good("indexes", f"all {len(wanted.indexes())} are ready")
    fields = cloud.pages("firestore", f"{groups}/fields?filter=ttlConfig:*&pageSize=300", "fields")
    living = {field["name"].split("/collectionGroups/")[1].split("/")[0] for field in fields}
    if staying := sorted(wanted.expiring() - living):
        yield problem("expiry", "no TTL policy, so expired documents are kept: " + ", ".join(staying), APPLY)


def check_functions(cloud: Cloud, prefix: str) -> Findings:
    path = f"v2/projects/{cloud.project}/locations/-/functions?pageSize=100"
    there = {found["name"].rsplit("/", 1)[-1]: found for found in cloud.pages("cloudfunctions", path, "functions")}
    for name, row in wiring().functions.items():
        subject, found = f"function {name}", there.get(name)
        if found is None:
            yield problem(subject, "not deployed", f"run `make package`, then {APPLY}")
            continue
        runs = found.get("serviceConfig", {})
        if found.get("state") != "ACTIVE":
            why = "; ".join(message.get("message", "") for message in found.get("stateMessages", []))
            yield problem(
                subject, f"its state is {found.get('state')} {why}".strip(), f"check its build log, then {APPLY}"
            )
        elif runs.get("timeoutSeconds", row.timeout_sec) > ACK_SEC[1]:
            yield problem(subject, "its timeout exceeds the acknowledgement deadline of its events", APPLY)
        elif runs.get("maxInstanceRequestConcurrency", row.concurrency) != row.concurrency:
            said = f"its concurrency is {runs.get('maxInstanceRequestConcurrency')}, not {row.concurrency}"
            yield note(subject, said, "ignore this if your Terraform variables set it")
        else:
            yield good(subject, f"active, at most {runs.get('maxInstanceCount', row.max_instances)} instances")
    regions = {found["name"].split("/locations/")[1].split("/")[0] for found in there.values()}
    for region in regions:
        yield from check_schedule(cloud, region)
        yield from check_quota(cloud, region)


def check_schedule(cloud: Cloud, region: str) -> Findings:
    path = f"v1/projects/{cloud.project}/locations/{region}/jobs?pageSize=100"
    running = {
        last(job.get("pubsubTarget", {}).get("topicName"))
        for job in cloud.pages("cloudscheduler", path, "jobs")
        if job.get("state") == "ENABLED"
    }
    for row in wiring().functions.values():
        if row.trigger.every_minutes and row.trigger.topic not in running:
            yield problem("schedule", f"{row.name} is not scheduled, so stuck jobs stay stuck", APPLY)


def check_quota(cloud: Cloud, region: str) -> Findings:
    """Check that Cloud Run's CPU quota covers what all functions may use at once."""
    path = f"v1/projects/{cloud.project}/locations/global/services/run.googleapis.com/quotaInfos?pageSize=500"
    needed = sum(row.max_instances for row in wiring().functions.values())
    try:
        infos = list(cloud.pages("cloudquotas", path, "quotaInfos"))
    except NoAnswer as refusal:
        if not refusal.forbidden:
            raise
        advice = "enable cloudquotas.googleapis.com, or see IAM & Admin > Quotas in the console"
        yield note("quotas", "not readable", advice)
        return
    for info in infos:
        if info.get("quotaId") != "CpuAllocPerProjectRegion":
            continue
        for row in info.get("dimensionsInfos", []):
            if region in row.get("applicableLocations", []) and (value := row.get("details", {}).get("value")):
                granted = int(value) // 1000  # in thousandths of a processor
                said = f"Cloud Run grants {granted} CPUs in {region}; all functions together may use {needed}"
                if granted >= needed:
                    yield good("quotas", said)
                else:
                    yield note("quotas", said, "request a higher quota, or lower max_instances; see docs/scale.md")


def check_secrets(cloud: Cloud, prefix: str) -> Findings:
    path = f"v1/projects/{cloud.project}/secrets?pageSize=200"
    there = {secret["name"].rsplit("/", 1)[-1] for secret in cloud.pages("secretmanager", path, "secrets")}
    named = {name for row in wiring().functions.values() for name in row.secrets}
    for name in sorted(named & there):
        versions = cloud.pages("secretmanager", f"v1/projects/{cloud.project}/secrets/{name}/versions", "versions")
        if any(version.get("state") == "ENABLED" for version in versions):
            yield good(f"secret {name}", "has a version; its value was not read")
        else:
            advice = f"run `gcloud secrets versions add {name} --data-file=- --project {cloud.project}`"
            yield problem(f"secret {name}", "has no version, so functions that need it do not start", advice)
    if "SIGNING_KEY" in named - there:
        yield problem("secret SIGNING_KEY", "missing, so links and webhooks cannot be signed", APPLY)
    if absent := sorted(named - there - {"SIGNING_KEY"}):
        yield note("secrets", "not configured: " + ", ".join(absent), "list those you need in Terraform's `secrets`")


def last(name: str | None) -> str | None:
    return name.rsplit("/", 1)[-1] if name else None


EMULATED_PARTS: dict[str, Callable[[Cloud, str], Findings]] = {
    "buckets": check_buckets,
    "topics": check_topics,
    "subscriptions": check_subscriptions,
    "database": check_database,
}
PARTS = {"APIs": check_apis, **EMULATED_PARTS, "functions": check_functions, "secrets": check_secrets}
