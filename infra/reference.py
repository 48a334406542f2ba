"""Generates docs/errors.md, tables in docs/, Terraform settings and the console's units; tests compare.

Run `python -m infra.reference`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter

from shared.analyses.kinds import kinds
from shared.error_codes.code import ErrorCode
from shared.error_codes.registry import CODES, GROUPS
from shared.exports.wording import recipe_wording
from shared.settings import Settings
from shared.wiring import Function, Trigger, wiring

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
TERRAFORM = ROOT / "terraform"
RIGHTS = TERRAFORM / "rights.yaml"
SETTINGS = TERRAFORM / "settings.json"
UNITS = ROOT / "web" / "unit-names.js"
# Set by terraform/locals.tf.
TERRAFORM_SETTINGS = frozenset(
    {
        "BUCKET_PREFIX",
        "CLIPWISE_PLACE",
        "DROP_KIND",
        "DROP_OWNER",
        "FIREBASE_API_KEY",
        "GOOGLE_CLOUD_PROJECT",
        "IDENTITY",
        "PACKAGED_MODELS",
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


def pipeline_table() -> str:
    rows = [
        (
            f"`{row.name}`",
            row.does,
            trigger_text(row.trigger),
            ", ".join(f"`{name}`" for name in row.publishes) or "–",
            f"{row.memory_mb} MB",
            f"{row.timeout_sec} s",
            str(row.attempts) if row.weight else "–",
        )
        for row in wiring().functions.values()
    ]
    return markdown_table(
        ("function", "purpose", "triggered by", "publishes to", "memory", "timeout", "attempts"), rows
    )


def units_module() -> str:
    """Return the units of recipes as a module: language → unit → singular and plural, or one form for both."""
    lines = [
        "/** Names of units in recipes, from shared/exports/wording.py: `python -m infra.reference` writes them. */\n"
    ]
    lines.append("export default {")
    for language in ("en", "de", "ru"):
        units = recipe_wording(language).units
        forms = {unit: list(dict.fromkeys(names)) for unit, names in units.items()}
        lines.append(f"  {language}: {json.dumps(forms, ensure_ascii=False)},")
    return "\n".join([*lines, "};", ""])


def trigger_text(trigger: Trigger) -> str:
    if trigger.http:
        return "HTTP"
    if trigger.bucket:
        return f"object finalized in `{trigger.bucket}`"
    every = f", every {trigger.every_minutes} min" if trigger.every_minutes else ""
    return f"topic `{trigger.topic}`{every}"


def settings_table() -> str:
    rows = [
        (f"`{field.name.upper()}`", default_text(field.default.default), str(field.default.description))  # type: ignore[union-attr]
        for field in fields(Settings)
    ]
    return markdown_table(("variable", "default", "meaning"), rows)


def default_text(value: object) -> str:
    return f"`{str(value).lower() if isinstance(value, bool) else value}`" if value not in ("", None, {}) else "–"


def rights_table() -> str:
    granted = rights()
    rows = [_rights_row(row, granted[name]) for name, row in wiring().functions.items()]
    return markdown_table(("function", "called by", "objects", "publishes to", "secrets", "also"), rows)


def rights() -> dict[str, dict[str, Any]]:
    """Map functions to `{documents, objects: {bucket: [verb]}, accounts, signs, restarts}`; all keys are optional."""
    table: dict[str, dict[str, Any]] = yaml.safe_load(RIGHTS.read_text(encoding="utf-8"))
    return table


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


def markdown_table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


PAGES: dict[str, dict[str, Callable[[], str]]] = {
    "architecture.md": {"pipeline": pipeline_table},
    "configuration.md": {"settings": settings_table},
    "deploy.md": {"rights": rights_table},
}
"""The tables of each page in docs/, by the name of their markers."""


def fill_tables(page: str, text: str) -> str:
    """Return the page's text with each of its tables between `<!-- NAME -->` and `<!-- /NAME -->`."""
    return fill_markers(page, text, {name: table() for name, table in PAGES[page].items()})


def fill_markers(page: str, text: str, tables: Mapping[str, str]) -> str:
    """Return `text` with each table between its markers; raises ValueError unless each pair of markers occurs once."""
    for name, table in tables.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        before, _, remainder = text.partition(begin)
        count = text.count(begin) if end in remainder else 0
        if count != 1:
            raise ValueError(f"docs/{page} has {count} places for the table {name!r}")
        text = f"{before}{begin}{table}\n{end}{remainder.partition(end)[2]}"
    return text


def settings_json() -> str:
    """Return `terraform/settings.json`: setting to `{set_by, pattern?, is?}`, where values must match the pattern."""
    secrets = {name for row in wiring().functions.values() for name in row.secrets}
    properties = TypeAdapter(Settings).json_schema()["properties"]
    # Settings are below the kinds, and do not know them.
    choices = {"drop_kind": {"enum": sorted(kinds())}}
    entries = {
        name.upper(): {"set_by": _set_by(name.upper(), field, secrets), **_value_pattern(choices.get(name, field))}
        for name, field in properties.items()
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


PAGE = Path(__file__).parents[1] / "docs" / "errors.md"
HEAD = """\
<!-- Written by `python -m infra.reference` from shared/error_codes; edit the registry, not this page. -->

# Errors

Every error has a `code` for programs and a sentence for people. The code is stable; the sentence may change.
The sentence says what happened, then what to do. It contains no secret, no path and no stack trace.

## Where errors appear

**HTTP responses.** An error is a problem object (RFC 9457) with the media type `application/problem+json`:

```json
{
  "code": "not_found",
  "detail": "This object does not exist or is not yours. Check the id.",
  "status": 404,
  "title": "Not Found"
}
```

With `invalid_request`, `errors` lists each field at fault as `{"field": …, "message": …}`.
Status 429, 503 and 507 come with a `Retry-After` header, in seconds. Status 401 comes with `WWW-Authenticate: Bearer`.
Signed upload and download links of the embedded server answer with `code` and `detail` only.

**Jobs and datasets.** A failed job or dataset has an `error`. It names the stage that failed; `retryable` says whether
`POST /v1/jobs/{id}/retry` can help:

```json
{
  "code": "too_long",
  "message": "The video is longer than 15 minutes. Send a shorter one.",
  "stage": "extract",
  "retryable": false
}
```

**Streams.** A chat answer that fails after its first word ends with the event `error`, which has `code` and `detail`.

**Earlier systems' paths.** They answer with the same problem object, and some with other statuses:

- recipe app: a task has `error`, the sentence alone;
- reel scripter: `POST /api/upload` answers 400 to any rejected file; a task has the sentence in `status`;
- image crawler: 400 instead of 409, 413 and 415; a job has the sentence in `error`;
- ask-video: 400 instead of 409, 415 and 422; a video has the sentence in `error_message`.

## Codes

*Status* is the HTTP status. “–” means that no HTTP response has this code, only a job, a dataset, a message or the log.
*Retry* says whether the same request or job can succeed later, unchanged.
"""


def errors_page() -> str:
    tables = [f"### {group.__doc__}\n\n{codes_table(group)}\n" for group in GROUPS]
    return "\n".join([HEAD, f"There are {len(CODES)} codes.\n", *tables])


def codes_table(group: type[ErrorCode]) -> str:
    rows = [(f"`{code}`", status_text(code), retry_text(code), code.meaning, code.action) for code in sorted(group)]
    return markdown_table(("code", "status", "retry", "meaning", "what to do"), rows)


def status_text(code: ErrorCode) -> str:
    if code.retry is None:
        return "422 or 503"
    return str(code.status or "–")


def retry_text(code: ErrorCode) -> str:
    return {None: "after 503", True: "yes", False: "no"}[code.retry]


if __name__ == "__main__":
    for page in PAGES:
        path = DOCS / page
        path.write_text(fill_tables(page, path.read_text(encoding="utf-8")), encoding="utf-8")
    SETTINGS.write_text(settings_json(), encoding="utf-8")
    PAGE.write_text(errors_page(), encoding="utf-8")
    UNITS.write_text(units_module(), encoding="utf-8")
