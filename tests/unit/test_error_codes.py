"""The registry of error codes: what clients rely on, and that it is about the errors that there are."""

from __future__ import annotations

import pytest

from functions.api.problems import status_of
from infra.reference import PAGE, errors_page
from shared.error_codes.registry import CODES, GROUPS
from shared.errors import ClipwiseError, PermanentError, TransientError
from shared.pipeline.lifecycle import JobStateError
from tests.error_sites import branches, sites

RAISED: list[tuple[type[ClipwiseError], int, str]] = [
    (PermanentError, 400, "bad_form token_invalid"),
    (PermanentError, 401, "key_expired key_invalid unauthenticated wrong_credentials"),
    (PermanentError, 402, "budget_exceeded"),
    (
        PermanentError,
        403,
        "chat_not_shared foreign_page key_scope login_again not_admin not_offered session_required unverified "
        "wrong_password",
    ),
    (PermanentError, 404, "unknown_model"),
    (PermanentError, 409, "no_recipe no_transcript not_done username_taken"),
    (PermanentError, 413, "too_large"),
    (PermanentError, 415, "unsupported_body unsupported_media"),
    (
        PermanentError,
        422,
        "answer_too_long audio_unreadable bad_cursor bad_list captions_unreadable embedding_dimensions empty_file "
        "engine_unreadable expired_already format_unknown group_full invalid_email invalid_username job_active "
        "mail_refused no_question no_streams no_subject no_subtitles no_such_video no_video_stream not_a_video "
        "not_media nothing_to_crawl order_mismatch provider_cannot question_too_long refused servings_unknown "
        "source_changed source_encoded source_forbidden source_key_invalid source_login "
        "source_no_video source_not_found source_redirects source_refused source_setup source_untrusted "
        "speech_model_invalid speech_model_missing stray_object system_refused too_large_picture too_long "
        "too_many_frames too_many_images truncated unknown_kind url_invalid url_not_allowed url_unresolvable "
        "video_age_restricted video_live video_login_required video_not_accepted video_private video_protected "
        "video_region_locked video_unavailable weak_password zero_length",
    ),
    (PermanentError, 501, "not_configured"),
    (
        PermanentError,
        502,
        "provider_key_invalid provider_key_missing provider_model_missing provider_request_invalid",
    ),
    (PermanentError, 504, "provider_timeout"),
    (
        JobStateError,
        409,
        "batch_ended dataset_ended dataset_running dataset_started job_ended key_reused no_images not_extracted "
        "not_failed not_retryable not_running not_validated nothing_failed nothing_to_send source_gone too_many_lists "
        "too_many_feeds too_many_keys too_many_webhooks webhook_paused",
    ),
    (TransientError, 500, "storage_damaged"),
    (TransientError, 429, "batch_full rate_limited"),
    (
        TransientError,
        503,
        "answer_invalid audio_stopped audio_timeout busy engine_blocked identity_unavailable mail_delayed not_sent "
        "not_stored provider_busy provider_quota provider_unavailable source_blocked source_busy source_failed "
        "source_incomplete source_quota source_slow source_unavailable url_unresolvable",
    ),
]
"""Written down when statuses stood in several tables, so that the registry could be compared with them."""

ANSWERED = {
    "bad_json": 400,
    "bad_request": 400,
    "disconnected": 400,
    "internal": 500,
    "invalid_request": 422,
    "link_expired": 410,
    "link_invalid": 403,
    "method_not_allowed": 405,
    "not_found": 404,
    "object_not_found": 404,
    "range_invalid": 400,
    "range_not_satisfiable": 416,
    "size_mismatch": 400,
    "upload_expired": 410,
    "upload_not_found": 404,
    "storage_busy": 503,
    "storage_full": 507,
    "upload_too_large": 413,
}
"""The same for what is answered without an exception of ours."""


@pytest.mark.parametrize(
    ("kind", "code", "status"), [(kind, code, status) for kind, status, codes in RAISED for code in codes.split()]
)
def test_a_code_keeps_its_status(kind: type[ClipwiseError], code: str, status: int) -> None:
    """A client that branches on the HTTP status of an error gets the same one in every version."""
    assert status_of(kind(code, "…")) == status


def test_an_answer_without_an_exception_keeps_its_status() -> None:
    """The same for the answers that the storage and the framework give."""
    assert {code: CODES[code].status for code in ANSWERED} == ANSWERED


def test_no_code_has_a_status_by_accident() -> None:
    """Each status in the registry is one that clients get."""
    known = {code: status for _, status, codes in RAISED for code in codes.split()} | ANSWERED
    assert {code: entry.status for code, entry in CODES.items() if entry.status} == {
        code: status for code, status in known.items() if CODES[code].status
    }


def test_each_code_is_registered_once() -> None:
    """A code that a client reads has one meaning, and is named in the code as it is on the wire."""
    codes = [code for group in GROUPS for code in group]
    assert len(codes) == len(CODES)
    assert [code.name.lower() for code in codes] == [code.value for code in codes]


def test_every_code_that_is_raised_has_an_entry() -> None:
    """A user finds every code that Clipwise can answer with in docs/errors.md."""
    assert not [site for site in sites() if site.code is not None and site.code not in CODES]


def test_every_entry_has_a_site() -> None:
    """docs/errors.md explains no code that Clipwise cannot answer with."""
    assert set(CODES) - {site.code for site in sites()} == set()


def test_a_code_promises_what_its_class_does() -> None:
    """What docs/errors.md says about a retry is what the pipeline does; a code of both kinds is marked as such."""
    promised: dict[str, set[bool]] = {}
    for site in sites():
        if site.code is not None and site.retry is not None:
            promised.setdefault(site.code, set()).add(site.retry)
    expected = {code: {False, True} if CODES[code].retry is None else {CODES[code].retry} for code in promised}
    assert promised == expected


def test_the_code_branches_on_members() -> None:
    """A code that is renamed in the registry cannot leave a branch behind that never runs again."""
    assert not [branch for branch in branches() if branch.rpartition(" ")[2] in CODES]


def test_the_page_follows_from_the_registry() -> None:
    """Someone who reads docs/errors.md reads what the registry says."""
    assert PAGE.read_text(encoding="utf-8") == errors_page(), "run: python -m infra.reference"
