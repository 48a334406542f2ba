"""What Terraform and docs/deploy.md say of a deployment, from the same tables: rights and settings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter

from shared.settings import Settings
from shared.wiring import Function, wiring

TERRAFORM = Path(__file__).parents[2] / "terraform"
RIGHTS = TERRAFORM / "rights.yaml"
SETTINGS = TERRAFORM / "settings.json"

# What terraform/locals.tf sets itself.
TERRAFORM_SETTINGS = frozenset(
    {
        "BUCKET_PREFIX",
        "CLIPWISE_PLACE",
        "FIREBASE_API_KEY",
        "GOOGLE_CLOUD_PROJECT",
        "IDENTITY",
        "PUBLIC_URL",
        "TRUSTED_PROXIES",
    }
)
LOCAL_ONLY = ("Embedded only", "`local` only")
VALUE_PATTERNS = {
    "integer": (r"^-?[0-9]+$", "a whole number"),
    "number": (r"^-?[0-9]+(\.[0-9]+)?$", "a number"),
    "boolean": (r"^(true|false)$", "true or false"),
}


def rights() -> dict[str, dict[str, Any]]:
    """Function to `{documents, objects: {bucket: [verb, …]}, accounts, signs, restarts}`; keys where they apply."""
    table: dict[str, dict[str, Any]] = yaml.safe_load(RIGHTS.read_text(encoding="utf-8"))
    return table


def rights_rows() -> list[tuple[str, ...]]:
    """The table of rights in docs/deploy.md: function, account, who may call it, what it may do."""
    granted = rights()
    return [_rights_row(row, granted[name]) for name, row in wiring().functions.items()]


def _rights_row(row: Function, granted: dict[str, Any]) -> tuple[str, ...]:
    objects = [f"`{bucket}`: {', '.join(verbs)}" for bucket, verbs in granted.get("objects", {}).items()]
    published = ["every stage's topic"] if granted.get("restarts") else []
    published += [
        f"`{name}`" for name in row.publishes if name not in wiring().buckets and not _can_restart(name, granted)
    ]
    extras = ["documents"] * bool(granted.get("documents")) + ["accounts"] * bool(granted.get("accounts"))
    extras += ["signs links"] * bool(granted.get("signs"))
    return (
        f"`{row.name}`",
        "everyone; it requires an account's token" if row.trigger.http else "`clipwise-pusher`, inside the project",
        "; ".join(objects) or "–",
        ", ".join([*published, f"`{wiring().dead_letter_topic}`"]),
        ", ".join(f"`{name}`" for name in row.secrets) or "–",
        ", ".join(extras),
    )


def _can_restart(topic: str, granted: dict[str, Any]) -> bool:
    return bool(granted.get("restarts")) and any(row.weight for row in wiring().listeners(topic=topic))


def settings_json() -> str:
    """`terraform/settings.json`: setting to `{set_by, pattern?, is?}`, where values must match the pattern."""
    secrets = {name for row in wiring().functions.values() for name in row.secrets}
    fields = TypeAdapter(Settings).json_schema()["properties"]
    entries = {
        name.upper(): {"set_by": _set_by(name.upper(), field, secrets), **_value_pattern(field)}
        for name, field in fields.items()
        if field.get("type") != "object"
    }
    return json.dumps(entries, indent=2, sort_keys=True) + "\n"


def _set_by(name: str, field: dict[str, Any], secrets: set[str]) -> str:
    if name in TERRAFORM_SETTINGS:
        return "deployment"
    if name in secrets:
        return "secrets"
    return "elsewhere" if field["description"].startswith(LOCAL_ONLY) else "you"


def _value_pattern(field: dict[str, Any]) -> dict[str, str]:
    if choices := field.get("enum"):
        return {"pattern": f"^({'|'.join(choices)})$", "is": "one of " + ", ".join(filter(None, choices))}
    kind = VALUE_PATTERNS.get(field.get("type", ""))
    return {"pattern": kind[0], "is": kind[1]} if kind else {}
