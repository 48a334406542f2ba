"""Examines a Google Cloud project, or the emulated place: whether everything is there that the wiring table names."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from infra.doctor import wanted
from infra.doctor.cloud import Cloud, NoAnswer, NoCredentials, open_cloud
from infra.doctor.finding import Findings, good, note, problem
from infra.doctor.rights import check_rights, of_account
from infra.emulated.provision import ACK_SEC
from shared.wiring import wiring

APPLY = "run `terraform apply`"
START = "start it with `clipwise up --emulators` and set the *_EMULATOR_HOST variables as it says"


def check_project(project: str, function: str | None = None, environ: Mapping[str, str] = os.environ) -> Findings:
    """Everything about a project.

    Args:
        function: Whose rights are examined, by impersonating its account; None for the user's own.
        environ: Tells of emulators, and of BUCKET_PREFIX.
    """
    prefix = environ.get("BUCKET_PREFIX") or f"{project}-"
    try:
        with open_cloud(project, function and of_account(function, project), environ) as cloud:
            yield good("credentials", "the emulators need none" if cloud.emulated else "there are some")
            if not function:
                for subject, check in (EMULATED_PARTS if cloud.emulated else PARTS).items():
                    yield from told(subject, cloud, check(cloud, prefix))
            if not cloud.emulated:
                yield from told("rights", cloud, check_rights(cloud, prefix, function))
    except NoCredentials as error:
        yield problem("credentials", *str(error).removesuffix(".").rsplit("; ", 1))


def told(subject: str, cloud: Cloud, findings: Findings) -> Findings:
    """The findings; a service that refuses or does not answer is one, too."""
    try:
        yield from findings
    except NoAnswer as refusal:
        if refusal.forbidden:
            yield note(subject, str(refusal), "ask for the role Viewer on the project, or switch that API on")
        else:
            yield problem(subject, str(refusal), START if cloud.emulated else "check the project's id and the network")


def check_apis(cloud: Cloud, prefix: str) -> Findings:
    path = f"v1/projects/{cloud.project}/services?filter=state:ENABLED&pageSize=200"
    enabled = {service["config"]["name"] for service in cloud.pages("serviceusage", path, "services")}
    missing = [api for api in wanted.APIS if f"{api}.googleapis.com" not in enabled]
    if missing:
        advice = f"{APPLY}, or `gcloud services enable {' '.join(missing)} --project {cloud.project}`"
        yield problem("APIs", "not switched on: " + ", ".join(missing), advice)
    else:
        yield good("APIs", f"all {len(wanted.APIS)} are switched on")


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
            yield problem(subject, f"there is no bucket {bucket}", START if cloud.emulated else APPLY)
            continue
        access = found.get("iamConfiguration", {})
        if access.get("publicAccessPrevention") != "enforced":
            yield problem(subject, f"{bucket} could be opened to everybody", f"{APPLY} to enforce that it cannot be")
        elif not access.get("uniformBucketLevelAccess", {}).get("enabled"):
            yield problem(subject, f"objects in {bucket} may have rights of their own", APPLY)
        else:
            yield good(subject, f"{bucket}, in {found.get('location', 'an unknown place')}; closed to the public")
        yield from check_notification(cloud, name, bucket)


def check_notification(cloud: Cloud, name: str, bucket: str) -> Findings:
    """Whether finalized objects are told to the topic that a function listens to."""
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
        yield problem(f"bucket {name}", f"uploads are not told to {', '.join(silent)}: no job would start", APPLY)


def check_topics(cloud: Cloud, prefix: str) -> Findings:
    path = f"v1/projects/{cloud.project}/topics?pageSize=1000"
    there = {topic["name"].rsplit("/", 1)[-1] for topic in cloud.pages("pubsub", path, "topics")}
    needed = wanted.topics(cloud.emulated)
    if missing := sorted(needed - there):
        yield problem("topics", "missing: " + ", ".join(missing), START if cloud.emulated else APPLY)
    else:
        yield good("topics", f"all {len(needed)} are there")


def check_subscriptions(cloud: Cloud, prefix: str) -> Findings:
    advice = START if cloud.emulated else f"{APPLY}; functions/pipeline.yaml says how it should be"
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
            yield good(subject, f"pushes {row.topic}, gives up after {row.deliveries} deliveries")
    yield from check_dead_letters(cloud)


def differences(found: dict[str, Any], row: wanted.Subscription) -> list[str]:
    """How a subscription, as Pub/Sub's REST API tells it, differs from the one in the table."""
    letters, retry = found.get("deadLetterPolicy", {}), found.get("retryPolicy", {})
    backoff = (f"{row.backoff.min:g}s", f"{row.backoff.max:g}s") if row.backoff else (None, None)
    is_and_should = {
        "topic": (last(found.get("topic")), row.topic),
        "state": (found.get("state", "ACTIVE"), "ACTIVE"),
        "ack deadline": (found.get("ackDeadlineSeconds"), row.ack_sec),
        "dead-letter topic": (last(letters.get("deadLetterTopic")), wiring().dead_letter_topic),
        "deliveries": (letters.get("maxDeliveryAttempts"), row.deliveries),
        "least backoff": (retry.get("minimumBackoff"), backoff[0]),
        "longest backoff": (retry.get("maximumBackoff"), backoff[1]),
    }
    wrong = [
        f"{what} is {has or 'none'}, not {should}" for what, (has, should) in is_and_should.items() if has != should
    ]
    if not found.get("pushConfig", {}).get("pushEndpoint"):
        wrong.append("it pushes nowhere")
    return wrong


def check_dead_letters(cloud: Cloud) -> Findings:
    name = wiring().dead_letter_topic
    try:
        cloud.get("pubsub", f"v1/projects/{cloud.project}/subscriptions/{name}")
    except NoAnswer as refusal:
        if not refusal.missing:
            raise
        said = "nobody keeps what is given up: it is lost"
        yield problem("dead letters", said, START if cloud.emulated else APPLY)
    else:
        yield good("dead letters", f"kept for you in the subscription {name}")


def check_database(cloud: Cloud, prefix: str) -> Findings:
    path = f"v1/projects/{cloud.project}/databases/(default)"
    if cloud.emulated:
        cloud.get("firestore", f"{path}/documents/jobs?pageSize=1")
        yield good("database", "Firestore's emulator answers; it needs no indexes")
        return
    try:
        kind = cloud.get("firestore", path).get("type")
    except NoAnswer as refusal:
        if not refusal.missing:
            raise
        yield problem("database", "there is no Firestore database (default)", APPLY)
        return
    if kind != "FIRESTORE_NATIVE":
        yield problem("database", f"it is of type {kind}", "use another project: this cannot be changed")
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
        yield problem("indexes", "missing, so that queries fail: " + "; ".join(missing), APPLY)
    if building:
        yield note("indexes", "not ready: " + "; ".join(building), "wait some minutes; queries that need them fail")
    if not missing and not building:
        yield good("indexes", f"all {len(wanted.indexes())} are ready")
    fields = cloud.pages("firestore", f"{groups}/fields?filter=ttlConfig:*&pageSize=300", "fields")
    living = {field["name"].split("/collectionGroups/")[1].split("/")[0] for field in fields}
    if staying := sorted(wanted.expiring() - living):
        yield problem("expiry", "documents that should go by themselves stay: " + ", ".join(staying), APPLY)


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
                subject, f"it is {found.get('state')} {why}".strip(), f"look at its build's log, then {APPLY}"
            )
        elif runs.get("timeoutSeconds", row.timeout_sec) > ACK_SEC[1]:
            yield problem(subject, "it may run longer than an event waits for it", APPLY)
        elif runs.get("maxInstanceRequestConcurrency", row.concurrency) != row.concurrency:
            said = f"takes {runs.get('maxInstanceRequestConcurrency')} events at once, not {row.concurrency}"
            yield note(subject, said, "fine if your Terraform variables say so")
        else:
            yield good(subject, f"active, up to {runs.get('maxInstanceCount', row.max_instances)} instances")
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
            yield problem("schedule", f"nobody wakes {row.name}: what is stuck stays stuck", APPLY)


def check_quota(cloud: Cloud, region: str) -> Findings:
    """Whether Cloud Run grants as many processors as all functions may use at once."""
    path = f"v1/projects/{cloud.project}/locations/global/services/run.googleapis.com/quotaInfos?pageSize=500"
    needed = sum(row.max_instances for row in wiring().functions.values())
    try:
        infos = list(cloud.pages("cloudquotas", path, "quotaInfos"))
    except NoAnswer as refusal:
        if not refusal.forbidden:
            raise
        advice = "switch on cloudquotas.googleapis.com, or look at IAM & Admin > Quotas in the console"
        yield note("quotas", "cannot be read", advice)
        return
    for info in infos:
        if info.get("quotaId") != "CpuAllocPerProjectRegion":
            continue
        for row in info.get("dimensionsInfos", []):
            if region in row.get("applicableLocations", []) and (value := row.get("details", {}).get("value")):
                granted = int(value) // 1000  # in thousandths of a processor
                said = f"Cloud Run grants {granted} processors in {region}; all functions may ask for {needed}"
                if granted >= needed:
                    yield good("quotas", said)
                else:
                    yield note("quotas", said, "ask for more, or set max_instances lower; see docs/scale.md")


def check_secrets(cloud: Cloud, prefix: str) -> Findings:
    path = f"v1/projects/{cloud.project}/secrets?pageSize=200"
    there = {secret["name"].rsplit("/", 1)[-1] for secret in cloud.pages("secretmanager", path, "secrets")}
    named = {name for row in wiring().functions.values() for name in row.secrets}
    for name in sorted(named & there):
        versions = cloud.pages("secretmanager", f"v1/projects/{cloud.project}/secrets/{name}/versions", "versions")
        if any(version.get("state") == "ENABLED" for version in versions):
            yield good(f"secret {name}", "has a version; its value was not looked at")
        else:
            advice = f"run `gcloud secrets versions add {name} --data-file=- --project {cloud.project}`"
            yield problem(f"secret {name}", "has no version: functions that need it do not start", advice)
    if "SIGNING_KEY" in named - there:
        yield problem("secret SIGNING_KEY", "missing: links and webhooks cannot be signed", APPLY)
    if absent := sorted(named - there - {"SIGNING_KEY"}):
        yield note("secrets", "not there: " + ", ".join(absent), "name those you want in Terraform's `secrets`")


def last(name: str | None) -> str | None:
    return name.rsplit("/", 1)[-1] if name else None


EMULATED_PARTS: dict[str, Callable[[Cloud, str], Findings]] = {
    "buckets": check_buckets,
    "topics": check_topics,
    "subscriptions": check_subscriptions,
    "database": check_database,
}
PARTS = {"APIs": check_apis, **EMULATED_PARTS, "functions": check_functions, "secrets": check_secrets}
