"""The scope that an API key needs on each route that requires a user. A route that is not listed accepts no key.

docs/decisions/api-keys.md gives the reasons.
"""

from __future__ import annotations

import logging

from fastapi import Request
from starlette.types import Scope

from shared.errors import PermanentError
from shared.models.api_key import ApiKey, KeyScope

log = logging.getLogger(__name__)

SCOPE_ROUTES: dict[KeyScope, str] = {
    KeyScope.READ: """
        GET /v1/auth/me
        GET /v1/jobs
        GET /v1/jobs/{job_id}
        GET /v1/jobs/{job_id}/events
        GET /v1/jobs/{job_id}/export
        GET /v1/jobs/{job_id}/media/{name}
        GET /v1/batches
        GET /v1/batches/{batch_id}
        GET /v1/batches/{batch_id}/items
        GET /v1/batches/{batch_id}/events
        GET /v1/videos
        GET /v1/videos/{video_id}
        GET /v1/videos/{video_id}/transcript
        GET /v1/videos/{video_id}/source
        GET /v1/groups
        GET /v1/groups/{group_id}
        POST /v1/chat
        GET /v1/chat/history
        GET /v1/chat/history/export
        GET /v1/search
        POST /mcp
        GET /v1/openai/models
        GET /v1/openai/models/{model_id}
        POST /v1/openai/chat/completions
        GET /v1/webhooks
        GET /v1/webhooks/{webhook_id}
        GET /v1/webhooks/{webhook_id}/deliveries
        GET /v1/feeds
        GET /v1/datasets
        GET /v1/datasets/{dataset_id}
        GET /v1/datasets/{dataset_id}/progress
        GET /v1/datasets/{dataset_id}/events
        GET /v1/datasets/{dataset_id}/images
        GET /v1/datasets/{dataset_id}/images/{image_id}/media
        GET /v1/datasets/{dataset_id}/exports
        GET /v1/datasets/{dataset_id}/exports/{export_id}
        GET /v1/operations
        GET /v1/operations/statistics
        GET /v1/operations/jobs
        GET /v1/usage
        GET /api/auth/me
        GET /api/v1/jobs
        GET /api/v1/jobs/{job_id}
        GET /api/v1/jobs/{job_id}/progress
        GET /task/{task_id}
        GET /api/status/{task_id}
        GET /video-status/{task_id}
        GET /video-metadata/{task_id}
        GET /videos
        GET /api/videos
        GET /api/videos/{video_id}
        GET /api/videos/groups
        GET /api/videos/groups/{group_id}
        POST /api/chat
        GET /api/chat/history
        GET /api/chat/history/export
    """,
    KeyScope.WRITE: """
        POST /v1/jobs
        POST /v1/jobs/batch
        POST /v1/uploads
        POST /v1/batches/{batch_id}/files/{index}/upload
        POST /v1/batches/{batch_id}/cancel
        POST /v1/jobs/{job_id}/cancel
        POST /v1/jobs/{job_id}/retry
        PATCH /v1/videos/{video_id}
        POST /v1/videos/{video_id}/analyses
        POST /v1/groups
        PATCH /v1/groups/{group_id}
        POST /v1/groups/{group_id}/videos
        DELETE /v1/groups/{group_id}/videos/{video_id}
        PUT /v1/groups/{group_id}/order
        POST /v1/datasets
        POST /v1/datasets/{dataset_id}/lists
        POST /v1/datasets/{dataset_id}/start
        POST /v1/datasets/{dataset_id}/stop
        POST /v1/datasets/{dataset_id}/retry
        POST /v1/datasets/{dataset_id}/validations
        PATCH /v1/datasets/{dataset_id}/images/{image_id}
        POST /v1/datasets/{dataset_id}/exports
        POST /v1/operations/jobs/{job_id}/retry
        POST /v1/operations/jobs/{job_id}/cancel
        POST /api/v1/jobs
        POST /api/v1/jobs/{job_id}/start
        POST /api/v1/jobs/{job_id}/stop
        POST /api/v1/jobs/{job_id}/retry
        POST /api/v1/validation/job/{job_id}
        POST /scrape/async
        POST /api/upload
        POST /upload-video
        POST /api/videos
        PATCH /api/videos/{video_id}
        POST /api/videos/groups
        PATCH /api/videos/groups/{group_id}
        POST /api/videos/groups/{group_id}/videos
        DELETE /api/videos/groups/{group_id}/videos/{video_id}
        DELETE /api/videos/groups/{group_id}/videos/{video_id}/remove
        POST /api/videos/groups/{group_id}/reorder
    """,
    KeyScope.ADMIN_OWN: """
        DELETE /v1/jobs/{job_id}
        DELETE /v1/videos/{video_id}
        DELETE /v1/groups/{group_id}
        POST /v1/groups/{group_id}/share
        DELETE /v1/groups/{group_id}/share
        DELETE /v1/chat/history
        POST /v1/webhooks
        PATCH /v1/webhooks/{webhook_id}
        DELETE /v1/webhooks/{webhook_id}
        POST /v1/webhooks/{webhook_id}/rotate
        POST /v1/webhooks/{webhook_id}/test
        POST /v1/webhooks/{webhook_id}/deliveries/{delivery_id}/replay
        POST /v1/feeds
        DELETE /v1/feeds/{feed_id}
        DELETE /v1/datasets/{dataset_id}
        DELETE /api/videos/{video_id}
        DELETE /api/videos/groups/{group_id}
        POST /api/videos/groups/{group_id}/share
        DELETE /api/videos/groups/{group_id}/share
    """,
}
SESSION_ROUTES = """
    POST /v1/auth/logout
    PATCH /v1/auth/me
    DELETE /v1/auth/me
    POST /v1/auth/keys
    GET /v1/auth/keys
    DELETE /v1/auth/keys/{key_id}
    GET /v1/operations/dead-letters
    POST /v1/operations/dead-letters/{letter_id}/replay
    DELETE /v1/operations/dead-letters/{letter_id}
"""
ROUTE_SCOPES: dict[str, KeyScope | None] = {
    line.strip(): scope
    for scope, lines in [*SCOPE_ROUTES.items(), (None, SESSION_ROUTES)]
    for line in lines.strip().splitlines()
}
"""Method and path of each route that requires a user, with the scope an API key needs; None: it accepts no keys."""


def check_scope(request: Request, key: ApiKey) -> None:
    """Check that the key may call the route of the request.

    Raises PermanentError `session_required` for a route that accepts no keys, and `key_scope` for a missing scope.
    """
    scope = ROUTE_SCOPES.get(route_name(request.scope))
    if scope is None:
        raise session_required_error()
    if scope not in key.scopes:
        log.info("the API key %s of %s is refused: it lacks %s", key.id, key.owner, scope)
        raise PermanentError(
            "key_scope", f"This API key lacks the scope “{scope}”. Create a key that has it, and use that one."
        )


def route_name(scope: Scope) -> str:
    """Return method and path of the route that serves a request, such as `GET /v1/jobs/{job_id}`."""
    return f"{scope['method']} {scope['route'].path}".replace("{name:path}", "{name}")


def session_required_error() -> PermanentError:
    return PermanentError("session_required", "API keys cannot do this. Sign in, and send the session's access token.")
