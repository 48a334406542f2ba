"""terraform/: what it makes, by Terraform itself against the google provider's schema; Google's answers are made up."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.packaging.models import choose_models, write_needs
from infra.reference import SETTINGS, rights, settings_json
from shared.ai.offline import sentence_model
from shared.ai.vectors import DIMENSIONS
from shared.wiring import wiring
from tests.terraform.audit import Deployment, account, audit
from tests.terraform.conftest import Open
from tests.terraform.state_server import StateServer
from tests.terraform.workspace import PROJECT, ROOT, Failed, Workspace

VALUE = "sk-not-to-be-found-in-any-state"
PROD = (
    "domain=api.example.com",
    "frontend_url=https://app.example.com,https://www.example.com/",
    'alert_emails=["ops@example.com"]',
    "billing_account=000000-000000-000000",
    "kms_key=projects/keys/locations/europe-west1/keyRings/ring/cryptoKeys/key",
)


def test_the_code_is_formatted(opened: Open) -> None:
    """Somebody who changes terraform/ sees only their own changes."""
    opened().run("fmt", "-check", "-recursive", where=ROOT / "terraform")


@pytest.mark.parametrize("example", ["dev", "prod"])
def test_the_examples_are_valid(opened: Open, example: str) -> None:
    """Every resource, argument and reference of both examples is one that the google provider knows."""
    opened(example).run("validate")


@pytest.fixture(scope="module")
def applied_once(provider: str, tmp_path_factory: pytest.TempPathFactory, states: StateServer) -> Workspace:
    workspace = Workspace(tmp_path_factory.mktemp("applied") / "dev", provider)
    workspace.init(states)
    workspace.apply()
    return workspace


@pytest.fixture
def applied(applied_once: Workspace) -> Iterator[Workspace]:
    """The example after its apply; a test may change its packages."""
    yield applied_once
    applied_once.package_all()


def test_dev_is_what_the_table_says(applied: Workspace) -> None:
    """Whoever applies the example gets the table's functions, events, buckets, rights, indexes and alerts."""
    assert audit(applied.state()) == []


def test_applying_again_changes_nothing(applied: Workspace) -> None:
    """A second apply without a change has nothing to do, though Firestore adds a field to the indexes of vectors."""
    assert applied.plan() == []


DROP = 'drop_bucket = { owner = "a1b2c3", kind = "recipe", days = 14 }\n  packages   ='
DROPPED = f"{PROJECT}-drop"


def test_a_drop_bucket_is_closed_and_can_be_removed(opened: Open) -> None:
    """A drop bucket is closed, with one account that reads it, and nothing but its own goes with it again."""
    workspace = opened()
    workspace.change("terraform/examples/dev/main.tf", "packages   =", DROP)
    resources = workspace.apply()
    assert audit(resources, drop_bucket=True) == []
    made = Deployment(resources)
    rules = made.by_name("google_storage_bucket")[DROPPED]["lifecycle_rule"]
    assert [each["condition"][0]["age"] for each in rules if each["action"][0]["type"] == "Delete"] == [14]
    granted = [(who, role) for who, role, on in made.grants() if on == f"storage_bucket:{DROPPED}"]
    assert granted == [(account("ingest"), "roles/storage.objectViewer")]
    service = made.by_name("google_cloudfunctions2_function")["ingest"]["service_config"][0]
    environment = service["environment_variables"]
    assert (environment["DROP_OWNER"], environment["DROP_KIND"]) == ("a1b2c3", "recipe")
    workspace.change("terraform/examples/dev/main.tf", DROP, "packages   =")
    planned = workspace.plan()
    assert {actions[0] for _, actions in planned} == {"delete", "update"}
    changed = {address.split(".")[2] for address, actions in planned if actions == ["update"]}
    # The settings of all functions; what is measured of each function.
    assert changed <= {"google_cloudfunctions2_function", "google_monitoring_dashboard", "google_logging_metric"}


def test_models_in_the_packages_get_memory_and_an_index(opened: Open) -> None:
    """Packages with local models get the memory these take, and an index for the width of their vectors."""
    workspace = opened()
    write_needs(workspace.root / "dist", choose_models(["speech-english", "meaning"]))
    made = Deployment(workspace.apply())
    functions = made.by_name("google_cloudfunctions2_function")
    for name, row in wiring().without_optional().functions.items():
        memory = max([row.memory_mb, *(row.models.get(model, 0) for model in ("speech-english", "meaning"))])
        assert functions[name]["service_config"][0]["available_memory"] == f"{memory}M"
    assert functions["api"]["service_config"][0]["environment_variables"]["PACKAGED_MODELS"] == "speech-english,meaning"
    widths: dict[str, set[int]] = {}
    for index in made.all("google_firestore_index"):
        for field in index.values["fields"]:
            for config in field["vector_config"]:
                widths.setdefault(str(index.key).rpartition(":")[0], set()).add(config["dimension"])
    assert len(widths) == 3
    assert all(each == {DIMENSIONS, sentence_model.DIMENSIONS} for each in widths.values())


def test_only_what_changed_is_deployed(applied: Workspace) -> None:
    """A new package of one function replaces this package and updates this function; nothing else moves."""
    applied.package("persist", "fedcba9876543210")
    planned = [(address.removeprefix("module.clipwise."), actions) for address, actions in applied.plan()]
    assert planned == [
        ('google_cloudfunctions2_function.this["persist"]', ["update"]),
        ('google_storage_bucket_object.package["persist"]', ["update"]),
    ]


def test_prod_is_closed_encrypted_and_watched(opened: Open) -> None:
    """The example for production has the key everywhere, no way past the balancer, one egress, alerts and a budget."""
    made = Deployment(opened("prod").apply(*PROD))
    key = PROD[-1].partition("=")[2]
    functions = made.by_name("google_cloudfunctions2_function")
    assert {each["kms_key_name"] for each in functions.values()} == {key}
    assert {each["service_config"][0]["direct_vpc_egress"] for each in functions.values()} == {"VPC_EGRESS_ALL_TRAFFIC"}
    assert {
        each["service_config"][0]["direct_vpc_network_interface"][0]["subnetwork"] for each in functions.values()
    } == {"clipwise"}
    (redirect,) = (
        rule for rule in made.all("google_compute_global_forwarding_rule") if rule.values["port_range"] == "80"
    )
    assert redirect.values["target"] != made.all("google_compute_global_forwarding_rule", "api")[0].values["target"]
    assert made.all("google_compute_url_map", "redirect")[0].values["default_url_redirect"][0]["https_redirect"]
    assert functions["api"]["service_config"][0]["ingress_settings"] == "ALLOW_INTERNAL_AND_GCLB"
    assert functions["api"]["service_config"][0]["min_instance_count"] == 1
    environment = functions["api"]["service_config"][0]["environment_variables"]
    assert (environment["PUBLIC_URL"], environment["TRUSTED_PROXIES"]) == ("https://api.example.com", "2")
    for bucket in made.all("google_storage_bucket"):
        assert bucket.values["encryption"] == [{"default_kms_key_name": key}]
    assert {topic.values["kms_key_name"] for topic in made.all("google_pubsub_topic")} == {key}
    database = made.all("google_firestore_database")[0].values
    assert (database["cmek_config"][0]["kms_key_name"], database["delete_protection_state"]) == (
        key,
        "DELETE_PROTECTION_ENABLED",
    )
    cors = made.by_name("google_storage_bucket")[f"{PROJECT}-uploads"]["cors"][0]
    assert cors["origin"] == ["https://app.example.com", "https://www.example.com"]
    assert "PUT" in cors["method"]
    armor = made.all("google_compute_security_policy")[0].values["rule"]
    assert [rule["action"] for rule in sorted(armor, key=lambda rule: rule["priority"])] == [
        "deny(403)",
        "throttle",
        "throttle",
        "allow",
    ]
    assert len(made.all("google_billing_budget")) == 1
    assert all(policy.values["notification_channels"] for policy in made.all("google_monitoring_alert_policy"))
    assert made.all("google_firestore_backup_schedule")[0].values["retention"] == f"{14 * 86400}s"


def test_traces_go_to_google_with_each_functions_own_right(opened: Open) -> None:
    """With Google's endpoint in the settings, its API is on and each function may write; otherwise neither."""
    endpoint = 'OTEL_EXPORTER_OTLP_ENDPOINT = "https://telemetry.googleapis.com"'
    workspace = opened()
    workspace.change("terraform/examples/dev/main.tf", "settings = {", f"settings = {{\n    {endpoint}")
    made = Deployment(workspace.apply())
    granted = [(who, on) for who, role, on in made.grants() if role == "roles/telemetry.writer"]
    functions = wiring().without_optional().functions
    assert sorted(granted) == sorted((account(name), f"project:{PROJECT}") for name in functions)
    services = {each.values["service"] for each in made.all("google_project_service")}
    assert "telemetry.googleapis.com" in services


def test_no_secret_gets_into_state_or_plan(opened: Open, tmp_path: Path) -> None:
    """A key is written to Secret Manager, reaches only the functions that use it, and stands in no file here."""
    workspace = opened()
    workspace.change(
        "terraform/examples/dev/main.tf", "{ SIGNING_KEY = 1 }\n", "{ SIGNING_KEY = 1, GEMINI_API_KEY = 1 }\n"
    )
    given = json.dumps({"GEMINI_API_KEY": VALUE})
    resources = workspace.apply(TF_VAR_secret_values=given)
    assert audit(resources, ("SIGNING_KEY", "GEMINI_API_KEY")) == []
    workspace.change(
        "terraform/examples/dev/main.tf",
        "GEMINI_API_KEY = 1 }\n  secret_values",
        "GEMINI_API_KEY = 2 }\n  secret_values",
    )
    planned = [address for address, _ in workspace.plan(TF_VAR_secret_values=given)]
    assert 'module.clipwise.google_secret_manager_secret_version.this["GEMINI_API_KEY"]' in planned
    written = [path for path in workspace.root.rglob("*") if path.is_file() and path.parent.name != "dist"]
    assert any(path.name == "terraform.tfstate" for path in written)
    assert [path for path in written if VALUE.encode() in path.read_bytes()] == []


REFUSED = {
    "an unknown setting": ("settings = {", 'settings = {\n    MAX_FILESIZE_MB = "5"', "no setting MAX_FILESIZE_MB"),
    "a setting of the wrong form": ("settings = {", 'settings = {\n    MAX_FILE_SIZE_MB = "5 MB"', "whole number"),
    "a secret among the settings": ("settings = {", 'settings = {\n    OPENAI_API_KEY = "x"', "not yours to set"),
    "what the deployment decides": ("settings = {", 'settings = {\n    PUBLIC_URL = "http://x"', "not yours to set"),
    "a secret that nobody reads": ("{ SIGNING_KEY = 1 }\n", "{ PASSWORD = 1 }\n", "Only these secrets"),
    "a width that no index has": (
        "packages   =",
        "embedding_dimensions = [4096]\n  packages   =",
        "1 to 2048 numbers",
    ),
    "a drop bucket of an unknown kind": (
        "packages   =",
        'drop_bucket = { owner = "a1", kind = "recipes" }\n  packages   =',
        "kind must be one of",
    ),
    "a drop bucket of nobody": (
        "packages   =",
        'drop_bucket = { owner = "" }\n  packages   =',
        "the id of an account",
    ),
    "an unknown function": ("packages   =", "functions = { apis = {} }\n  packages   =", "The functions are"),
    "a size that cannot be": (
        "packages   =",
        "functions = { api = { concurrency = 5000 } }\n  packages   =",
        "1 to 1000",
    ),
    "more instances than the quota has": (
        "packages   =",
        "functions = { extract = { max_instances = 9 } }\n  packages   =",
        "may take 25 vCPU and 39 GiB, but the quota is 20 vCPU and 40 GiB",
    ),
    "a range that instances exhaust": (
        "packages   =",
        "quota = { cpus = 99 }\n  functions = { persist = { max_instances = 10 } }\n"
        '  egress = { ip_cidr_range = "10.8.0.0/26" }\n  packages   =',
        "take 62 addresses",
    ),
    "a larger file than memory has room for": (
        "settings = {",
        'settings = {\n    MAX_FILE_SIZE_MB = "600"',
        "For videos of 600 MB, extract needs memory_mb = 2120 in `functions`, not 2048",
    ),
    "a project that cannot be": (
        "project_id = var.project_id\n  packages",
        'project_id = "My Project"\n  packages',
        "6 to 30",
    ),
    "sources deleted while they are used": ("deleted_media_days = 0", "uploads_days = 1", "SOURCE_RETENTION_HOURS"),
}


@pytest.mark.parametrize("wrong", REFUSED)
def test_wrong_values_are_refused(opened: Open, wrong: str) -> None:
    """A value that cannot work is refused before anything is made, in a sentence that says what is wrong."""
    old, new, said = REFUSED[wrong]
    workspace = opened()
    workspace.change("terraform/examples/dev/main.tf", old, new)
    with pytest.raises(Failed) as refusal:
        workspace.plan()
    assert said in re.sub(r"[\s│]+", " ", str(refusal.value))


def test_a_package_that_is_not_there_stops_the_plan(opened: Open) -> None:
    """Whoever forgot `make package` is told so."""
    workspace = opened()
    next((workspace.root / "dist").glob("notify-*")).unlink()
    with pytest.raises(Failed, match="make package"):
        workspace.plan()


def test_the_settings_that_terraform_knows_follow_from_the_code() -> None:
    """A new setting can be given to a deployment as soon as it exists."""
    assert SETTINGS.read_text(encoding="utf-8") == settings_json(), "run: python -m infra.reference"


def test_the_rights_name_what_there_is() -> None:
    """Every function has its row of rights, over buckets that exist, and whoever is handed a bucket may write there."""
    table = wiring()
    assert rights().keys() >= table.functions.keys(), "terraform/rights.yaml has no row for a function of the table"
    for name, row in table.functions.items():
        objects = rights()[name].get("objects", {})
        assert objects.keys() <= table.buckets.keys()
        for bucket in set(row.publishes) & table.buckets.keys():
            assert "create" in objects[bucket], f"{name} cannot put anything into {bucket}"
    verbs = {verb for row in rights().values() for each in row.get("objects", {}).values() for verb in each}
    assert verbs == {"read", "create", "delete"}


def test_the_modules_own_tests_pass(opened: Open) -> None:
    """`terraform test`, which needs neither Python nor a project, tells somebody who changes the module what broke."""
    workspace = opened()
    module = workspace.root / "terraform"
    workspace.run("init", "-backend=false", "-input=false", where=module)
    assert "0 failed" in workspace.run("test", where=module)
