"""Mistakes that somebody might make in terraform/: each is found by the audit that the deployment itself passes."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from tests.terraform.audit import audit
from tests.terraform.conftest import Open
from tests.terraform.state_server import StateServer
from tests.terraform.workspace import Failed, Workspace

FaultsOf = Callable[[int], list[str]]

# A plan is enough to judge by, and half the work.
FORESEE = True

# By plan, what is wrong: file, text, what stands there instead, and the fault that must be among those found. Within a
# plan, no mistake hides another or has its fault: those that do are in different plans.
PLANS = (
    {
        "a public bucket": (
            "storage.tf",
            'public_access_prevention    = "enforced"',
            'public_access_prevention = "inherited"',
            "could be made public",
        ),
        "sources for ever": (
            "storage.tf",
            "var.retention.uploads_days : var.retention.media_days",
            "null : var.retention.media_days",
            "stay for ever",
        ),
        "any page": ("storage.tf", "origin          = cors.value", 'origin = ["*"]', "every page may call it"),
        "dead letters to nowhere": (
            "events.tf",
            "dead_letter_topic     = google_pubsub_topic.this[local.dead_letter].id",
            'dead_letter_topic = google_pubsub_topic.this["job-ended"].id',
            "dead letters go to",
        ),
        "a deadline before the end": (
            "events.tf",
            "min(max(each.value.timeout_sec, local.ack_sec.min), local.ack_sec.max)",
            "60",
            "s to acknowledge",
        ),
        "another backoff": (
            "events.tf",
            'maximum_backoff = "${each.value.backoff_sec.max}s"',
            'maximum_backoff = "600s"',
            "retry policy",
        ),
        "a subscription that expires": ("events.tf", 'ttl = "" # never', 'ttl = "2678400s"', "goes by itself"),
        "a push that anybody could send": (
            "events.tf",
            "audience              = google",
            "# google",
            "pushes with the token",
        ),
        "a push to nowhere": ("events.tf", ".uri}/${google_pubsub_topic", ".uri}/x/${google_pubsub_topic", "pushes to"),
        "no tick": ("events.tf", "try(row.trigger.every_minutes, null) != null", "false", "nobody ticks"),
        "events of deleted objects": (
            "events.tf",
            '["OBJECT_FINALIZE"]',
            '["OBJECT_DELETE"]',
            "does not tell of its objects",
        ),
        "dead letters that Pub/Sub may not move": (
            "events.tf",
            '"roles/pubsub.subscriber"',
            '"roles/pubsub.viewer"',
            "missing: serviceAccount:service-",
        ),
        "a function that everybody may call": (
            "accounts.tf",
            "setproduct(keys(local.http), var.api_invokers)",
            "setproduct(keys(local.functions), var.api_invokers)",
            "too much: allUsers",
        ),
        "a function that is open": ("functions.tf", '"ALLOW_INTERNAL_ONLY"', '"ALLOW_ALL"', "ingress_settings"),
        "an editor": (
            "accounts.tf",
            '"roles/datastore.user"',
            '"roles/editor"',
            "too much: serviceAccount:clipwise-api",
        ),
        "a build that reads users' videos": (
            "accounts.tf",
            "for_each = each.value[*]",
            "for_each = []",
            "may read every bucket",
        ),
        "another concurrency": (
            "functions.tf",
            "max_instance_request_concurrency = each.value.concurrency",
            "max_instance_request_concurrency = 80",
            "max_instance_request_concurrency",
        ),
        "another timeout": (
            "functions.tf",
            "timeout_seconds                  = each.value.timeout_sec",
            "timeout_seconds = 60",
            "timeout_seconds",
        ),
        "another's code": (
            "functions.tf",
            "google_storage_bucket_object.package[each.key].name",
            'google_storage_bucket_object.package["api"].name',
            "somebody else's package",
        ),
        "a second trigger": (
            "functions.tf",
            "  # No event_trigger",
            '  event_trigger {\n    event_type = "google.cloud.audit.log.v1.written"\n  }\n  # No event_trigger',
            "has a trigger beside",
        ),
        "buckets under another name": (
            "locals.tf",
            "BUCKET_PREFIX        = local.prefix",
            'BUCKET_PREFIX = "other-"',
            "under another name",
        ),
        "an index less": (
            "firestore.tf",
            "for index in local.firestore.indexes : join",
            "for index in slice(local.firestore.indexes, 1, 9) : join",
            "other indexes",
        ),
        "rules that are not released": (
            "firestore.tf",
            '"cloud.firestore"',
            '"firebase.storage"',
            "rules are not released",
        ),
    },
    {
        "objects with rights of their own": (
            "storage.tf",
            "uniform_bucket_level_access = true",
            "uniform_bucket_level_access = false",
            "could be made public",
        ),
        "one account for all": (
            "functions.tf",
            "google_service_account.function[each.key].email",
            'google_service_account.function["api"].email',
            "service_account_email",
        ),
        "an owner of objects": (
            "accounts.tf",
            "delete = google_project_iam_custom_role.object_deleter.id",
            'delete = "roles/storage.objectAdmin"',
            "roles/storage.objectAdmin",
        ),
        "a right more": (
            "rights.yaml",
            "notify:\n  documents: true",
            "notify:\n  documents: true\n  accounts: true",
            "too much: serviceAccount:clipwise-notify",
        ),
        "documents that never go": (
            "firestore.tf",
            "for_each = each.value.ttl ? [true] : []",
            "for_each = []",
            "is not as infra/firestore/",
        ),
        "an alert that never comes": ("alerts.tf", "above    = 0\n", "above    = 1000\n", "dead letters"),
    },
    {
        "no dead letters": (
            "events.tf",
            "max_delivery_attempts = min(",
            "max_delivery_attempts = 1 + min(",
            "deliveries",
        ),
        "a topic that is not published to": (
            "locals.tf",
            "for target in row.publishes : target if",
            'for target in row.publishes : target if target != "job-ended" &&',
            "missing: serviceAccount:clipwise-",
        ),
    },
)
MISTAKES = {name: (plan, fault) for plan, mistakes in enumerate(PLANS) for name, (_, _, _, fault) in mistakes.items()}


@pytest.fixture(scope="module")
def faults_of(provider: str, tmp_path_factory: pytest.TempPathFactory, states: StateServer) -> FaultsOf:
    """What the audit finds in a plan; each is made once."""

    @cache
    def find(plan: int) -> list[str]:
        workspace = Workspace(tmp_path_factory.mktemp("mistakes") / "dev", provider)
        workspace.init(states)
        for file, old, new, _ in PLANS[plan].values():
            workspace.change(f"terraform/{file}", old, new)
        return audit(workspace.foreseen())

    return find


def test_without_a_mistake_nothing_is_found(opened: Open) -> None:
    """What is found below is the mistake, and not the way of looking."""
    assert audit(opened().foreseen()) == []


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_found(faults_of: FaultsOf, mistake: str) -> None:
    """Somebody who changes terraform/ by mistake is told what is wrong before it is applied."""
    plan, fault = MISTAKES[mistake]
    assert [found for found in faults_of(plan) if fault in found]


# Mistakes of which none hides another: one plan has them all, and the audit must find each.
TOGETHER = {
    "fewer threads than requests": (
        "functions.tf",
        "THREADS = tostring(each.value.concurrency)",
        'THREADS = "1"',
        "requests at a time, not 20",
    ),
    "instances beyond a new project's quota": (
        "functions.tf",
        "max_instance_count               = each.value.max_instances",
        "max_instance_count = 2 * each.value.max_instances",
        "a new project does not have",
    ),
    "a fraction of a processor for heavy work": (
        "sizes.tf",
        "row.concurrency > 1 || try(row.cpu_bound, false) }",
        "row.concurrency > 1 }",
        "need a whole CPU",
    ),
    "less memory than files take": (
        "functions.tf",
        '"${each.value.memory_mb}M"',
        '"256M"',
        "do not hold a video of 100 MB",
    ),
    "an index that is made again at each apply": (
        "firestore.tf",
        "if can(field.vectorConfig)],\n      [for field in each.value.fields : field if can(field.vectorConfig)],",
        "if false],\n      [for field in each.value.fields : field if can(field.vectorConfig)],",
        "other indexes",
    ),
    "documents of an edition by chance": (
        "firestore.tf",
        '"STANDARD"',
        "null",
        "edition",
    ),
    "events that wait unnoticed": (
        "alerts.tf",
        "oldest_unacked_message_age",
        "num_undelivered_messages",
        "nobody is told when events_wait",
    ),
    "a check that Cloud Run answers itself": ("availability.tf", '"/v1/kinds"', '"/healthz"', "ends in z"),
    "a burn that one minute sets off": ("availability.tf", '"AND"', '"OR"', "both windows"),
    "an alert without a runbook": (
        "alerts.tf",
        '"The API is slow"',
        '"The API sleeps"',
        "docs/operations.md does not explain 'The API sleeps'",
    ),
}


def test_many_mistakes_are_all_found(opened: Open) -> None:
    """Somebody who changes much at once is told everything that is wrong, not only the first of it."""
    workspace = opened()
    for file, old, new, _ in TOGETHER.values():
        workspace.change(f"terraform/{file}", old, new)
    found = audit(workspace.foreseen())
    assert [name for name, mistake in TOGETHER.items() if not any(mistake[3] in fault for fault in found)] == []


# The same, where there is a drop bucket.
OF_A_DROP_BUCKET = {
    "objects for ever": ("storage.tf", "try(var.drop_bucket.days, null)", "null", "drop: sources that nothing else"),
    "any page": ("storage.tf", ' && each.key != "drop"', "", "drop: web pages may call it"),
    "a function that could set itself off": ("rights.yaml", "drop: [read]", "drop: [read, create]", "too much: "),
    "an owner that nobody is told of": (
        "locals.tf",
        "DROP_OWNER           = try",
        "DROP_OWNERS = try",
        "ingest: is not told ['DROP_OWNER']",
    ),
}


def test_mistakes_with_a_drop_bucket_are_all_found(opened: Open) -> None:
    """Nobody makes the drop bucket keep its objects, open to web pages or written to by a function, unnoticed."""
    workspace = opened()
    workspace.change("terraform/examples/dev/main.tf", "packages   =", 'drop_bucket = { owner = "a1" }\n  packages   =')
    for file, old, new, _ in OF_A_DROP_BUCKET.values():
        workspace.change(f"terraform/{file}", old, new)
    found = audit(workspace.foreseen(), drop_bucket=True)
    assert [name for name, row in OF_A_DROP_BUCKET.items() if not any(row[3] in fault for fault in found)] == []


TYPOS = {
    "an argument that is not there": ("events.tf", "ack_deadline_seconds       = min", "ack_deadline = min"),
    "a block that is not there": ("events.tf", "dead_letter_policy {", "dead_letters {"),
    "something required left out": (
        "firestore.tf",
        "  location_id                       = coalesce(var.firestore_location, var.region)\n",
        "",
    ),
    "a resource that is not there": (
        "events.tf",
        "google_pubsub_topic.this[local.dead_letter].id\n    max",
        "google_pubsub_topic.that.id\n    max",
    ),
}


@pytest.mark.parametrize("typo", TYPOS)
def test_a_typo_is_found(opened: Open, typo: str) -> None:
    """A slip of the pen is found by Terraform against the provider's schema."""
    file, old, new = TYPOS[typo]
    workspace = opened()
    workspace.change(f"terraform/{file}", old, new)
    with pytest.raises(Failed, match="Error"):
        workspace.run("validate")
