"""The examination of a project, against a stand-in for Google's REST APIs that holds what Terraform makes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from infra.doctor import cloud as expected
from infra.doctor import project
from infra.doctor.cloud import NoCredentials, check_permissions, open_cloud
from infra.doctor.findings import DoctorFinding, Level, is_healthy
from shared.wiring import wiring
from tests.google_rest import ID, QUOTAS, quota_infos, served

PREFIX = f"{ID}-"
TERRAFORM = Path(__file__).parents[3] / "terraform" / "services.tf"


def as_applied() -> dict[str, Any]:
    """Path to answer, as Google's reference shows them."""
    here, database = f"/v1/projects/{ID}", f"/v1/projects/{ID}/databases/(default)"
    answers: dict[str, Any] = {
        f"{here}/services": {"services": [{"config": {"name": f"{api}.googleapis.com"}} for api in expected.APIS]},
        f"{here}/topics": {
            "topics": [{"name": f"projects/{ID}/topics/{name}"} for name in expected.topics(wiring(), False)]
        },
        f"{here}/subscriptions/{wiring().dead_letter_topic}": {"name": "dead"},
        database: {"type": "FIRESTORE_NATIVE"},
        f"{database}/collectionGroups/-/indexes": {
            "indexes": [
                {
                    "name": f"{database[4:]}/collectionGroups/{index['collectionGroup']}/indexes/{number}",
                    "fields": [*index["fields"], {"fieldPath": "__name__", "order": "ASCENDING"}],
                    "state": "READY",
                }
                for number, index in enumerate(expected.firestore_config()["indexes"])
            ]
        },
        f"{database}/collectionGroups/-/fields": {
            "fields": [{"name": f"x/collectionGroups/{name}/fields/expiresAt"} for name in expected.ttl_collections()]
        },
        f"/v2/projects/{ID}/locations/-/functions": {
            "functions": [
                {
                    "name": f"projects/{ID}/locations/europe-west1/functions/{name}",
                    "state": "ACTIVE",
                    "serviceConfig": {"timeoutSeconds": row.timeout_sec, "maxInstanceCount": row.max_instances},
                }
                for name, row in wiring().functions.items()
            ]
        },
        f"{here}/locations/europe-west1/jobs": {
            "jobs": [
                {"state": "ENABLED", "pubsubTarget": {"topicName": f"projects/{ID}/topics/{row.trigger.topic}"}}
                for row in wiring().functions.values()
                if row.trigger.every_minutes
            ]
        },
        QUOTAS: quota_infos(200, 400),
        "/v2/entries:list": {
            "entries": [{"jsonPayload": {"message": "ffmpeg is installed: /usr/bin/ffmpeg, version 4.4"}}]
        },
        f"{here}/secrets": {"secrets": [{"name": f"projects/1/secrets/{name}"} for name in ("SIGNING_KEY",)]},
        f"{here}/secrets/SIGNING_KEY/versions": {"versions": [{"state": "ENABLED"}]},
    }
    for row in expected.subscriptions(wiring(), False):
        assert row.backoff is not None
        answers[f"{here}/subscriptions/{row.name}"] = {
            "topic": f"projects/{ID}/topics/{row.topic}",
            "state": "ACTIVE",
            "ackDeadlineSeconds": row.ack_sec,
            "pushConfig": {"pushEndpoint": "https://f.run.app"},
            "retryPolicy": {"minimumBackoff": f"{row.backoff.min:g}s", "maximumBackoff": f"{row.backoff.max:g}s"},
            "deadLetterPolicy": {
                "deadLetterTopic": f"projects/{ID}/topics/{wiring().dead_letter_topic}",
                "maxDeliveryAttempts": row.deliveries,
            },
        }
    for name in wiring().buckets:
        topics = {expected.trigger_topic(row, False) for row in wiring().listeners(bucket=name)}
        access = {"publicAccessPrevention": "enforced", "uniformBucketLevelAccess": {"enabled": True}}
        answers[f"/storage/v1/b/{PREFIX}{name}"] = {"location": "EUROPE-WEST1", "iamConfiguration": access}
        answers[f"/storage/v1/b/{PREFIX}{name}/notificationConfigs"] = {
            "items": [{"topic": f"//pubsub.googleapis.com/projects/{ID}/topics/{topic}"} for topic in topics]
        }
    return answers


def examined(answers: dict[str, Any]) -> list[DoctorFinding]:
    with served(answers) as (_, cloud):
        return [
            row
            for subject, check in project.CLOUD_CHECKS.items()
            for row in project.with_api_errors(subject, cloud, check(cloud, PREFIX))
        ]


def test_what_terraform_makes_is_found_healthy() -> None:
    """After `terraform apply` there is nothing to be mended."""
    findings = examined(as_applied())
    assert is_healthy(findings), [row for row in findings if row.level is Level.PROBLEM]


def test_a_project_without_a_drop_bucket_lacks_nothing() -> None:
    """Who has no drop bucket is told of no function, topic or subscription that only belong to it."""
    answers = as_applied()
    listed = answers[f"/v2/projects/{ID}/locations/-/functions"]["functions"]
    listed[:] = [each for each in listed if not each["name"].endswith("/ingest")]
    topics = answers[f"/v1/projects/{ID}/topics"]["topics"]
    topics[:] = [each for each in topics if not each["name"].endswith("/drop-finalized")]
    absent = (f"/storage/v1/b/{PREFIX}drop", f"/v1/projects/{ID}/subscriptions/ingest")
    findings = examined(answers | dict.fromkeys(absent))
    assert is_healthy(findings), [row for row in findings if row.level is Level.PROBLEM]
    assert "drop" not in str(findings)


SUBSCRIPTION = f"/v1/projects/{ID}/subscriptions/extract"
BREAKAGES: dict[str, tuple[str, Any, str]] = {
    "an API is off": (f"/v1/projects/{ID}/services", {"services": []}, "APIs"),
    "no bucket": (f"/storage/v1/b/{PREFIX}media", None, "bucket media"),
    "an open bucket": (f"/storage/v1/b/{PREFIX}media", {"iamConfiguration": {}}, "bucket media"),
    "silent uploads": (f"/storage/v1/b/{PREFIX}uploads/notificationConfigs", {}, "bucket uploads"),
    "no topics": (f"/v1/projects/{ID}/topics", {}, "topics"),
    "no subscription": (SUBSCRIPTION, None, "subscription extract"),
    "nobody keeps dead letters": (f"/v1/projects/{ID}/subscriptions/dead-letter", None, "dead letters"),
    "no database": (f"/v1/projects/{ID}/databases/(default)", None, "database"),
    "a Datastore": (f"/v1/projects/{ID}/databases/(default)", {"type": "DATASTORE_MODE"}, "database"),
    "no indexes": (f"/v1/projects/{ID}/databases/(default)/collectionGroups/-/indexes", {}, "indexes"),
    "nothing expires": (f"/v1/projects/{ID}/databases/(default)/collectionGroups/-/fields", {}, "expiry"),
    "no functions": (f"/v2/projects/{ID}/locations/-/functions", {}, "function sweep"),
    "no schedule": (f"/v1/projects/{ID}/locations/europe-west1/jobs", {}, "schedule"),
    "no ffmpeg": (
        "/v2/entries:list",
        {"entries": [{"jsonPayload": {"message": "ffmpeg is not installed: sound is decoded by the Python packages"}}]},
        "ffmpeg",
    ),
    "no secret": (f"/v1/projects/{ID}/secrets", {}, "secret SIGNING_KEY"),
    "a secret without a value": (f"/v1/projects/{ID}/secrets/SIGNING_KEY/versions", {}, "secret SIGNING_KEY"),
    "a service that is down": (f"/v1/projects/{ID}/topics", 503, "topics"),
}


@pytest.mark.parametrize("name", BREAKAGES)
def test_each_thing_that_is_missing_is_named_with_what_to_do(name: str) -> None:
    """Whatever is taken away from a project is what the examination finds, and it says how to mend it."""
    path, answer, subject = BREAKAGES[name]
    findings = examined({**as_applied(), path: answer})
    problems = [row for row in findings if row.level is Level.PROBLEM]
    assert subject in {row.subject for row in problems}
    assert all(row.advice for row in problems)


@pytest.mark.parametrize(
    "changed",
    [
        {"topic": "projects/p/topics/other"},
        {"ackDeadlineSeconds": 10},
        {"retryPolicy": {}},
        {"deadLetterPolicy": {}},
        {"pushConfig": {}},
        {"state": "RESOURCE_ERROR"},
    ],
)
def test_a_subscription_that_differs_from_the_table_is_found(changed: dict[str, Any]) -> None:
    """Retry, dead letters, deadline and topic are compared with functions/pipeline.yaml."""
    answers = as_applied()
    answers[SUBSCRIPTION] |= changed
    problems = [row.subject for row in examined(answers) if row.level is Level.PROBLEM]
    assert problems == ["subscription extract"]


def test_a_function_that_never_ran_says_nothing_of_ffmpeg() -> None:
    """Right after the first apply the examination does not guess, and says how to find out."""
    findings = examined({**as_applied(), "/v2/entries:list": {}})
    (row,) = [row for row in findings if row.subject == "ffmpeg"]
    assert (row.level, row.advice) == (Level.NOTE, "run `clipwise smoke`")


def test_what_may_not_be_seen_is_no_problem() -> None:
    """Who may not read secrets is told so; the project may be healthy all the same."""
    findings = examined({**as_applied(), f"/v1/projects/{ID}/secrets": 403})
    assert is_healthy(findings)
    assert any("Viewer" in row.advice for row in findings)


def test_a_functions_lacking_right_is_a_problem_and_ones_own_a_note() -> None:
    """For a function's account a missing right stops jobs; a person need not have it."""
    with served(as_applied()) as (google, cloud):
        assert all(row.level is Level.GOOD for row in check_permissions(cloud, PREFIX, "extract"))
        google.lacking = {"storage.objects.create"}
        of_function = [row for row in check_permissions(cloud, PREFIX, "extract") if row.level is not Level.GOOD]
        own = [row for row in check_permissions(cloud, PREFIX, None) if row.level is not Level.GOOD]
    assert {row.level for row in of_function} == {Level.PROBLEM}
    assert {row.level for row in own} == {Level.NOTE}


def test_the_apis_are_those_that_terraform_switches_on() -> None:
    """The examination and Terraform name the same APIs."""
    always = re.search(r"setunion\(\[(.*?)\]", TERRAFORM.read_text(encoding="utf-8"), re.S)
    assert always is not None
    assert set(re.findall(r'"(\w+)"', always[1])) == set(expected.APIS)


def test_half_the_emulators_are_not_mistaken_for_the_cloud() -> None:
    """With one emulator named and the others forgotten nothing is asked of the real cloud."""
    with (
        pytest.raises(NoCredentials, match="PUBSUB_EMULATOR_HOST"),
        open_cloud(ID, None, {"FIRESTORE_EMULATOR_HOST": "127.0.0.1:1"}),
    ):
        pass
