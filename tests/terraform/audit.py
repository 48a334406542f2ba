"""What is wrong with a deployment, measured by the wiring table, the rights file and the emulated place."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from infra.doctor.quota import NEW_PROJECT, cpus_of
from infra.reference import TERRAFORM_SETTINGS, rights
from infra.runtimes.emulated.emulators import EmulatorHosts
from infra.runtimes.emulated.provision import push_subscription
from shared.settings import read_settings
from shared.wiring import Function, Wiring, wiring
from tests.terraform.workspace import PROJECT, ROOT, Resource

NUMBER = "123456789012"
RUNBOOK = ROOT / "docs" / "operations.md"
HOSTS = EmulatorHosts(project=PROJECT, firestore="", pubsub="", storage="")
PUBSUB = f"serviceAccount:service-{NUMBER}@gcp-sa-pubsub.iam.gserviceaccount.com"
STORAGE = f"serviceAccount:service-{NUMBER}@gs-project-accounts.iam.gserviceaccount.com"
WHOLE_CPUS = {"1", "2", "4", "6", "8"}
OBJECT_ROLES = {
    "read": "roles/storage.objectViewer",
    "create": "roles/storage.objectCreator",
    "delete": "clipwiseObjectDeleter",
}


class Deployment:
    def __init__(self, resources: list[Resource]) -> None:
        self._resources = resources

    def all(self, type_name: str, name: str | None = None) -> list[Resource]:
        return [each for each in self._resources if each.type == type_name and name in (None, each.name)]

    def by_name(self, type_name: str) -> dict[str, dict[str, Any]]:
        return {each.values["name"]: each.values for each in self.all(type_name)}

    def grants(self) -> Iterator[tuple[str, str, str]]:
        """Who, which role (its last word, if it is ours), on what."""
        on = {
            "google_artifact_registry_repository_iam_member": "repository",
            "google_cloud_run_v2_service_iam_member": "name",
            "google_project_iam_member": "project",
            "google_pubsub_subscription_iam_member": "subscription",
            "google_pubsub_topic_iam_member": "topic",
            "google_secret_manager_secret_iam_member": "secret_id",
            "google_service_account_iam_member": "service_account_id",
            "google_storage_bucket_iam_member": "bucket",
        }
        for each in self._resources:
            if "_iam_member" in each.type and each.type != "google_kms_crypto_key_iam_member":
                role = each.values["role"]
                short = role if role.startswith("roles/") else role.rpartition("/")[2]
                kind = each.type.removeprefix("google_").removesuffix("_iam_member")
                yield each.values["member"], short, f"{kind}:{each.values[on[each.type]].rpartition('/')[2]}"


def audit(
    resources: list[Resource], secrets: tuple[str, ...] = ("SIGNING_KEY",), *, drop_bucket: bool = False
) -> list[str]:
    """Every fault in words; none for a good deployment. `secrets` are those that were given."""
    deployment, table = Deployment(resources), wiring() if drop_bucket else wiring().without_optional()
    return [
        *functions_faults(deployment, table, secrets),
        *quota_faults(deployment, table),
        *event_faults(deployment, table),
        *bucket_faults(deployment, table),
        *right_faults(deployment, table, secrets),
        *document_faults(deployment),
        *alert_faults(deployment, table),
    ]


def account(name: str) -> str:
    return f"serviceAccount:clipwise-{name}@{PROJECT}.iam.gserviceaccount.com"


def functions_faults(deployment: Deployment, table: Wiring, secrets: tuple[str, ...]) -> Iterator[str]:
    made = deployment.by_name("google_cloudfunctions2_function")
    if made.keys() != table.functions.keys():
        yield f"functions: {sorted(made)} instead of {sorted(table.functions)}"
    for name, row in table.functions.items():
        if name not in made:
            continue
        build, service = made[name]["build_config"][0], made[name]["service_config"][0]
        wanted = {
            "timeout_seconds": row.timeout_sec,
            "available_memory": f"{row.memory_mb}M",
            "max_instance_request_concurrency": row.concurrency,
            "min_instance_count": row.min_instances,
            "max_instance_count": row.max_instances,
            "ingress_settings": "ALLOW_ALL" if row.trigger.http else "ALLOW_INTERNAL_ONLY",
            "service_account_email": account(name).partition(":")[2],
            "all_traffic_on_latest_revision": True,
        }
        for key, value in wanted.items():
            if service[key] != value:
                yield f"{name}: {key} is {service[key]!r} instead of {value!r}"
        if (row.concurrency > 1 or row.cpu_bound) and service["available_cpu"] not in WHOLE_CPUS:
            yield f"{name}: several requests at a time, and heavy work, need a whole CPU"
        if build["entry_point"] != name or not build["source"][0]["storage_source"][0]["object"].startswith(f"{name}-"):
            yield f"{name}: is built from somebody else's package"
        if made[name]["event_trigger"]:
            yield f"{name}: has a trigger beside its subscription"
        given = {each["key"] for each in service["secret_environment_variables"]}
        if given != set(row.secrets) & set(secrets):
            yield f"{name}: gets the secrets {sorted(given)}"
        environment = service["environment_variables"]
        read_settings(environment)
        if environment.get("THREADS") != str(row.concurrency):
            yield f"{name}: runs {environment.get('THREADS')} requests at a time, not {row.concurrency}"
        if not environment.keys() >= TERRAFORM_SETTINGS:
            yield f"{name}: is not told {sorted(TERRAFORM_SETTINGS - environment.keys())}"
        if environment["BUCKET_PREFIX"] + "uploads" not in deployment.by_name("google_storage_bucket"):
            yield f"{name}: looks for its buckets under another name"


def quota_faults(deployment: Deployment, table: Wiring) -> Iterator[str]:
    """What Cloud Run checks before it deploys anything: a new project's quota; and memory for a video's copies."""
    cpus = memory_mb = 0.0
    for name, each in deployment.by_name("google_cloudfunctions2_function").items():
        service = each["service_config"][0]
        size = int(service["available_memory"].removesuffix("M"))
        given = cpus_of(size, whole=service["max_instance_request_concurrency"] > 1 or table.functions[name].cpu_bound)
        cpus += service["max_instance_count"] * given
        memory_mb += service["max_instance_count"] * size
        files = table.functions[name].files
        file_mb = int(service["environment_variables"].get("MAX_FILE_SIZE_MB", read_settings({}).max_file_size_mb))
        if files and files.work_mb + files.copies * file_mb > size:
            yield f"{name}: {size} MB do not hold a video of {file_mb} MB"
    if cpus > NEW_PROJECT.cpus or memory_mb / 1024 > NEW_PROJECT.memory_gib:
        yield f"quota: a new project does not have {cpus:.1f} vCPU and {memory_mb / 1024:.1f} GiB"


def event_faults(deployment: Deployment, table: Wiring) -> Iterator[str]:
    topics = deployment.by_name("google_pubsub_topic")
    subscriptions = deployment.by_name("google_pubsub_subscription")
    functions = deployment.by_name("google_cloudfunctions2_function")
    pushed = {name: row for name, row in table.functions.items() if not row.trigger.http}
    if subscriptions.keys() != pushed.keys() | {table.dead_letter_topic}:
        yield f"subscriptions: {sorted(subscriptions)}"
    sent = {name for row in table.functions.values() for name in row.publishes} - table.buckets.keys()
    if missing := (sent | {table.dead_letter_topic}) - topics.keys():
        yield f"topics: {sorted(missing)} are published to and not there"
    heard = {each["topic"].rpartition("/")[2] for each in subscriptions.values()}
    if unheard := topics.keys() - heard:
        yield f"topics: nobody listens to {sorted(unheard)}"
    for name, row in pushed.items():
        if name in subscriptions and name in functions:
            uri = functions[name]["service_config"][0]["uri"]
            yield from subscription_faults(subscriptions[name], row, table, uri)
    for each in deployment.all("google_cloud_scheduler_job"):
        target = each.values["pubsub_target"][0]
        minutes = table.functions[each.values["name"]].trigger.every_minutes
        if each.values["schedule"] != ("* * * * *" if minutes == 1 else f"*/{minutes} * * * *") or not target["data"]:
            yield f"{each.values['name']}: is woken at {each.values['schedule']!r}"
        if target["topic_name"].rpartition("/")[2] != table.functions[each.values["name"]].trigger.topic:
            yield f"{each.values['name']}: the scheduler publishes to {target['topic_name']}"
    ticking = {name for name, row in pushed.items() if row.trigger.every_minutes}
    if ticking != {each.values["name"] for each in deployment.all("google_cloud_scheduler_job")}:
        yield "nobody ticks"


def subscription_faults(made: dict[str, Any], row: Function, table: Wiring, uri: str) -> Iterator[str]:
    """Beside the emulated place's, which makes its own from the same row."""
    emulated = push_subscription(HOSTS, row, "http://function")
    if row.trigger.topic and made["topic"].rpartition("/")[2] != row.trigger.topic:
        yield f"{row.name}: listens to {made['topic']}"
    if (
        made["ack_deadline_seconds"] != emulated["ack_deadline_seconds"]
        or made["ack_deadline_seconds"] < row.timeout_sec
    ):
        yield f"{row.name}: {made['ack_deadline_seconds']} s to acknowledge, {row.timeout_sec} s to run"
    letters = made["dead_letter_policy"]
    if not letters:
        yield f"{row.name}: no dead letters"
    elif letters[0]["dead_letter_topic"].rpartition("/")[2] != table.dead_letter_topic:
        yield f"{row.name}: dead letters go to {letters[0]['dead_letter_topic']}"
    elif letters[0]["max_delivery_attempts"] != emulated["dead_letter_policy"]["max_delivery_attempts"]:
        yield f"{row.name}: {letters[0]['max_delivery_attempts']} deliveries"
    assert row.backoff_sec is not None
    backoff = {"minimum_backoff": f"{row.backoff_sec.min:g}s", "maximum_backoff": f"{row.backoff_sec.max:g}s"}
    if made["retry_policy"] != [backoff]:
        yield f"{row.name}: retry policy {made['retry_policy']}"
    if made["expiration_policy"] != [{"ttl": ""}]:
        yield f"{row.name}: the subscription goes by itself"
    push = made["push_config"][0] if made["push_config"] else {}
    if push.get("push_endpoint") != f"{uri}/{made['topic']}":
        yield f"{row.name}: pushes to {push.get('push_endpoint')}"
    token = push.get("oidc_token") or [{}]
    if token[0].get("audience") != uri or f"serviceAccount:{token[0].get('service_account_email')}" != account(
        "pusher"
    ):
        yield f"{row.name}: pushes with the token {token}"


def bucket_faults(deployment: Deployment, table: Wiring) -> Iterator[str]:
    made = deployment.by_name("google_storage_bucket")
    prefix = f"{PROJECT}-"
    if made.keys() != {prefix + name for name in [*table.buckets, "sources"]}:
        yield f"buckets: {sorted(made)}"
    for name, bucket in made.items():
        if not bucket["uniform_bucket_level_access"] or bucket["public_access_prevention"] != "enforced":
            yield f"{name}: could be made public"
        if not bucket["soft_delete_policy"]:
            yield f"{name}: how long deleted objects are kept is left to chance"
        for rule in bucket["cors"]:
            if "*" in rule["origin"]:
                yield f"{name}: every page may call it"
    for name in {row.trigger.bucket for row in table.functions.values() if row.trigger.bucket}:
        rules = made.get(prefix + name, {"lifecycle_rule": []})["lifecycle_rule"]
        if not any(rule["action"][0]["type"] == "Delete" and rule["condition"][0]["age"] for rule in rules):
            yield f"{name}: sources that nothing else deletes stay for ever"
    if made.get(prefix + "drop", {"cors": []})["cors"]:
        yield "drop: web pages may call it"
    subscriptions = deployment.by_name("google_pubsub_subscription")
    told = {each.values["bucket"]: each.values for each in deployment.all("google_storage_notification")}
    for name, row in table.functions.items():
        if row.trigger.bucket and name in subscriptions:
            telling = told.get(prefix + row.trigger.bucket)
            if (
                telling is None
                or telling["event_types"] != ["OBJECT_FINALIZE"]
                or telling["payload_format"] != "JSON_API_V1"
            ):
                yield f"{name}: {row.trigger.bucket} does not tell of its objects"
            elif telling["topic"] != subscriptions[name]["topic"]:
                yield f"{name}: {row.trigger.bucket} tells somebody else"


def right_faults(deployment: Deployment, table: Wiring, secrets: tuple[str, ...]) -> Iterator[str]:
    """Who may do what, both ways: nothing is missing and nothing is too much."""
    wanted, given = set(wanted_grants(deployment, table, secrets)), set(deployment.grants())
    for fault, grants in (("missing", wanted - given), ("too much", given - wanted)):
        for who, role, on in sorted(grants):
            yield f"{fault}: {who} {role} on {on}"
    for each in deployment.all("google_project_iam_member"):
        storage = each.values["role"].startswith("roles/storage.")
        expression = "".join(condition["expression"] for condition in each.values["condition"])
        if storage and ("-uploads" in expression or "-media" in expression or not expression):
            yield f"{each.values['member']} may read every bucket"


def wanted_grants(deployment: Deployment, table: Wiring, secrets: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
    letters = table.dead_letter_topic
    for name, row in table.functions.items():
        given, who = rights()[name], account(name)
        stages = {other.trigger.topic for other in table.functions.values() if other.weight and other.trigger.topic}
        for topic in {*row.publishes, letters, *(stages if given.get("restarts") else ())} - table.buckets.keys():
            yield who, "roles/pubsub.publisher", f"pubsub_topic:{topic}"
        for bucket, verbs in given.get("objects", {}).items():
            for verb in verbs:
                yield who, OBJECT_ROLES[verb], f"storage_bucket:{PROJECT}-{bucket}"
        for secret in set(row.secrets) & set(secrets):
            yield who, "roles/secretmanager.secretAccessor", f"secret_manager_secret:{secret}"
        if given.get("documents"):
            yield who, "roles/datastore.user", f"project:{PROJECT}"
        if given.get("accounts"):
            yield who, "clipwiseAccountKeeper", f"project:{PROJECT}"
        if given.get("signs"):
            yield who, "roles/iam.serviceAccountTokenCreator", f"service_account:clipwise-{name}"
        if row.trigger.http:
            yield "allUsers", "roles/run.invoker", f"cloud_run_v2_service:{name}"
            continue
        yield account("pusher"), "roles/run.invoker", f"cloud_run_v2_service:{name}"
        yield PUBSUB, "roles/pubsub.subscriber", f"pubsub_subscription:{name}"
    yield PUBSUB, "roles/pubsub.publisher", f"pubsub_topic:{letters}"
    yield PUBSUB, "roles/iam.serviceAccountTokenCreator", "service_account:clipwise-pusher"
    for each in deployment.all("google_storage_notification"):
        yield STORAGE, "roles/pubsub.publisher", f"pubsub_topic:{each.values['topic'].rpartition('/')[2]}"
    yield account("build"), "roles/logging.logWriter", f"project:{PROJECT}"
    yield account("build"), "roles/storage.objectViewer", f"project:{PROJECT}"
    for each in deployment.all("google_artifact_registry_repository"):
        yield (
            account("build"),
            "roles/artifactregistry.writer",
            f"artifact_registry_repository:{each.values['name'].rpartition('/')[2]}",
        )


def document_faults(deployment: Deployment) -> Iterator[str]:
    defined = json.loads((ROOT / "infra" / "firestore" / "firestore.indexes.json").read_text(encoding="utf-8"))
    indexes = [each.values for each in deployment.all("google_firestore_index")]
    if sorted(map(index_form, indexes)) != sorted(map(index_form, map(as_made, defined["indexes"]))):
        yield "documents: other indexes than infra/firestore/ defines"
    if [each.values["database_edition"] for each in deployment.all("google_firestore_database")] != ["STANDARD"]:
        yield "documents: the database's edition, which can never be changed, is left to Google's default"
    overrides = {
        f"{each.values['collection']}.{each.values['field']}": each.values
        for each in deployment.all("google_firestore_field")
    }
    for each in defined["fieldOverrides"]:
        made = overrides.pop(f"{each['collectionGroup']}.{each['fieldPath']}", None)
        if (
            made is None
            or bool(made["ttl_config"]) != each["ttl"]
            or len(made["index_config"][0]["indexes"]) != len(each["indexes"])
        ):
            yield f"documents: {each['collectionGroup']}.{each['fieldPath']} is not as infra/firestore/ defines it"
    if overrides:
        yield f"documents: {sorted(overrides)} are overridden for no reason"
    rules = (ROOT / "infra" / "firestore" / "firestore.rules").read_text(encoding="utf-8")
    released = deployment.all("google_firebaserules_release")
    sources = [
        each.values["source"][0]["files"][0]["content"] for each in deployment.all("google_firebaserules_ruleset")
    ]
    if sources != [rules] or [each.values["name"] for each in released] != ["cloud.firestore"]:
        yield "documents: the rules are not released"


def index_form(index: dict[str, Any]) -> str:
    fields = [
        (
            field["field_path"],
            field["order"],
            field["array_config"],
            [each["dimension"] for each in field["vector_config"]],
        )
        for field in index["fields"]
    ]
    return repr((index["collection"], index["query_scope"], fields))


def as_made(index: dict[str, Any]) -> dict[str, Any]:
    fields = [
        {
            "field_path": field["fieldPath"],
            "order": field.get("order"),
            "array_config": field.get("arrayConfig"),
            "vector_config": [field["vectorConfig"]] if "vectorConfig" in field else [],
        }
        for field in index["fields"]
    ]
    if fields[-1]["vector_config"]:
        by_id = {"field_path": "__name__", "order": "ASCENDING", "array_config": None, "vector_config": []}
        fields.insert(-1, by_id)
    return {"collection": index["collectionGroup"], "query_scope": index["queryScope"], "fields": fields}


# Alert to the metric that it must watch.
WATCHED = {
    "dead_letters": "subscription/num_undelivered_messages",
    "events_wait": "subscription/oldest_unacked_message_age",
    "api_errors": 'response_code_class="5xx"',
    "api_latency": "run.googleapis.com/request_latencies",
}


def alert_faults(deployment: Deployment, table: Wiring) -> Iterator[str]:
    policies = deployment.all("google_monitoring_alert_policy")
    conditions = {
        each.key: each.values["conditions"][0]["condition_threshold"][0]
        for each in policies
        if each.name == "threshold"
    }
    for name, metric in WATCHED.items():
        if metric not in conditions.get(name, {"filter": ""})["filter"]:
            yield f"alerts: nobody is told when {name}"
    letters = conditions.get("dead_letters")
    if letters is None or letters["threshold_value"] or f'"{table.dead_letter_topic}"' not in letters["filter"]:
        yield "alerts: nobody is told of dead letters"
    for name, row in table.functions.items():
        if (
            row.weight
            and not 0
            < conditions.get(f"latency_{name}", {"threshold_value": 0})["threshold_value"]
            < row.timeout_sec * 1000
        ):
            yield f"alerts: nobody is told when {name} gets slow"
    silent = {
        each.key for each in policies if each.name == "silence" and each.values["conditions"][0]["condition_absent"]
    }
    if silent != {name for name, row in table.functions.items() if row.trigger.every_minutes}:
        yield "alerts: nobody is told when a scheduled function is silent"
    yield from availability_faults(deployment)
    explained = set(re.findall(r"^### (.+)$", RUNBOOK.read_text(encoding="utf-8"), re.M))
    shown = [*policies, *deployment.all("google_billing_budget")]
    for title in sorted({alert_title(each.values["display_name"]) for each in shown} - explained):
        yield f"alerts: docs/operations.md does not explain {title!r}"


def availability_faults(deployment: Deployment) -> Iterator[str]:
    checks = [each.values["http_check"][0] for each in deployment.all("google_monitoring_uptime_check_config")]
    if not any(check["use_ssl"] and check["validate_ssl"] for check in checks):
        yield "alerts: nobody asks from outside whether the API answers"
    if any(check["path"].endswith("z") for check in checks):
        yield "alerts: a path that ends in z may be Cloud Run's own"
    policies = deployment.all("google_monitoring_alert_policy")
    if not any(each.name == "down" for each in policies):
        yield "alerts: nobody is told when the API is down"
    burns = [each.values for each in policies if each.name == "burn"]
    if len(burns) != 2 or any(each["combiner"] != "AND" or len(each["conditions"]) != 2 for each in burns):
        yield "alerts: a burn must show in both windows, at two speeds"
    if any("select_slo_burn_rate(" not in str(each["conditions"]) for each in burns):
        yield "alerts: a burn is not measured by the objective"


def alert_title(display_name: str) -> str:
    """Return the alert's heading in the runbook; what it is about stands in parentheses."""
    return display_name.removeprefix("Clipwise: ").partition(" (")[0]
