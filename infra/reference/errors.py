"""Generates docs/errors.md from the registry of error codes: `python -m infra.reference.errors`; a test compares."""

from __future__ import annotations

from pathlib import Path

from infra.reference.tables import markdown_table
from shared.error_codes.code import ErrorCode
from shared.error_codes.registry import CODES, GROUPS

PAGE = Path(__file__).parents[2] / "docs" / "errors.md"

HEAD = """\
<!-- Written by `python -m infra.reference.errors` from shared/error_codes; edit the registry, not this page. -->

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
    PAGE.write_text(errors_page(), encoding="utf-8")
