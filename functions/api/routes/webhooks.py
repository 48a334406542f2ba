"""Webhooks that notify a user's own servers of ended jobs, and the log of their deliveries."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from functions.api.dependencies import CreationKey, Cursor, Idempotency, Limit, PlaceDep
from functions.api.identity import Caller
from functions.api.openapi import json_body, problem_responses
from functions.api.pages import location_header
from functions.api.request_bodies import read_json
from functions.api.request_models import CheckedByGuard, LinkText, RequestModel
from functions.api.schemas import NEXT_PAGE
from shared import clock
from shared.errors import NotFound
from shared.models import Model
from shared.models.webhook import Attempt, DeliveryStatus, Webhook, WebhookDelivery, WebhookEvent
from shared.pipeline.idempotency import clear_keys
from shared.pipeline.lifecycle import JobStateError
from shared.platform.ports import Place
from shared.settings import settings
from shared.webhooks import deliveries
from shared.webhooks.deliveries import DELIVERIES, WEBHOOKS
from shared.webhooks.security import (
    check_target_host,
    check_target_url,
    format_secret,
    new_salt,
    rotate_salt,
    webhook_secret,
)

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"], responses=problem_responses(401, 403, 422))

Events = Annotated[
    list[WebhookEvent], Field(min_length=1, max_length=20, description="Events to deliver. Defaults to all events.")
]
Description = Annotated[str, Field(max_length=200)]


class WebhookRequest(RequestModel):
    url: LinkText = Field(
        max_length=2000,
        description="URL that receives the deliveries: https, at a public address.",
        examples=["https://example.com/clipwise"],
    )
    events: Events = list(WebhookEvent)
    description: Description | None = Field(None, description="Your own description of the webhook.")


class WebhookUpdateRequest(RequestModel):
    """Changes to a webhook. Omitted fields stay as they are."""

    url: Annotated[str | None, CheckedByGuard()] = Field(
        None, max_length=2000, description="New URL: https, at a public address."
    )
    events: Events | None = Field(None, description="New list of events to deliver.")
    description: Description | None = Field(None, description="New description. Null removes it.")
    paused: bool | None = Field(
        None, description="`true` pauses the webhook until further notice. `false` resumes it and resets `failures`."
    )


class WebhookInfo(Model):
    """A webhook, without its secret."""

    id: str = Field(description="Identifier of the webhook.")
    url: str = Field(description="URL that receives the deliveries.")
    events: list[WebhookEvent] = Field(description="Events that are delivered.")
    description: str | None = Field(description="Your own description of the webhook.")
    paused: bool = Field(description="Whether deliveries are paused.")
    paused_reason: str | None = Field(
        description="Why deliveries are paused, e.g. because too many failed. Null if they are not."
    )
    failures: int = Field(description="Number of consecutive deliveries that failed in all attempts.")
    created_at: datetime = Field(description="When the webhook was created.")
    updated_at: datetime = Field(description="When the webhook was last changed.")


class NewWebhook(WebhookInfo):
    """A webhook with its new secret."""

    secret: str = Field(
        description="Secret to verify signatures with. It is returned only once.", examples=["whsec_MfKQ9r8…"]
    )


class WebhookList(BaseModel):
    webhooks: list[WebhookInfo] = Field(description="Webhooks, oldest first.")


class DeliveryInfo(Model):
    """The delivery of one event to one webhook."""

    id: str = Field(description="Identifier of the delivery, sent as `webhook-id` in every attempt.")
    event: str = Field(description="The event, e.g. `job.done`.")
    job_id: str | None = Field(description="The job that the event is about. Null for a test.")
    status: DeliveryStatus = Field(
        description="Status of the delivery. `skipped`: not sent, because the webhook was paused or the job deleted."
    )
    attempts: list[Attempt] = Field(description="The last ten attempts, oldest first.")
    next_attempt_at: datetime | None = Field(
        description="Earliest time of the next attempt. Null if there will be none."
    )
    created_at: datetime = Field(description="When the delivery was created.")


class DeliveryPage(BaseModel):
    deliveries: list[DeliveryInfo] = Field(description="Deliveries, newest first.")
    cursor: str | None = Field(description=NEXT_PAGE)


def own_webhook(
    webhook_id: Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="The `id` of the webhook.")],
    user: Caller,
    place: PlaceDep,
) -> Webhook:
    """Return the caller's webhook; raises NotFound if it does not exist or belongs to another user."""
    webhook = deliveries.read_webhook(place.documents, webhook_id)
    if webhook is None or webhook.owner != user.id:
        raise NotFound(webhook_id)
    return webhook


OwnWebhook = Annotated[Webhook, Depends(own_webhook)]


def webhook_info(webhook: Webhook) -> dict[str, Any]:
    info = WebhookInfo(paused=webhook.paused_reason is not None, **webhook.model_dump())
    return info.to_json()


def delivery_info(delivery: WebhookDelivery) -> dict[str, Any]:
    fields = delivery.model_dump(include=set(DeliveryInfo.model_fields))
    return DeliveryInfo(next_attempt_at=None if delivery.status.is_final else delivery.due_at, **fields).to_json()


@router.post(
    "",
    summary="Create a webhook",
    description=(
        "Registers a URL that receives a POST request whenever one of your jobs ends. Deliveries are signed with "
        f"`secret`, which only this response contains (see docs/webhooks.md). At most {deliveries.MAX_WEBHOOKS} "
        "webhooks per account; more return 409."
    ),
    status_code=201,
    response_model=NewWebhook,
    responses=problem_responses(400, 409, 413, 415, 503),
    openapi_extra=json_body(WebhookRequest),
)
async def create_webhook(request: Request, user: Caller, place: PlaceDep, idempotency: Idempotency) -> Response:
    body = await read_json(request, WebhookRequest)
    webhook = await run_in_threadpool(register_webhook, place, user.id, body, idempotency)
    return JSONResponse(webhook, 201, location_header(f"/v1/webhooks/{webhook['id']}"))


def register_webhook(place: Place, owner: str, body: WebhookRequest, key: CreationKey) -> dict[str, Any]:
    """Store a webhook, or return the one that the same request created before."""
    url = check_webhook_url(body.url)
    webhook_id = key.reserve_id(body)
    if stored := place.documents.get(WEBHOOKS, webhook_id):
        return created_webhook(Webhook.read(stored.data))
    if len(deliveries.webhooks_of(place.documents, owner)) >= deliveries.MAX_WEBHOOKS:
        raise JobStateError(
            "too_many_webhooks", f"You have {deliveries.MAX_WEBHOOKS} webhooks, which is the limit. Delete one first."
        )
    now = clock.now()
    webhook = Webhook(
        id=webhook_id,
        owner=owner,
        url=url,
        events=sorted(set(body.events)),
        description=body.description,
        salt=new_salt(),
        created_at=now,
        updated_at=now,
    )
    created = created_webhook(webhook)
    place.documents.create(WEBHOOKS, webhook.id, webhook.to_document())
    return created


def created_webhook(webhook: Webhook) -> dict[str, Any]:
    return webhook_info(webhook) | {"secret": format_secret(webhook_secret(webhook))}


def check_webhook_url(url: str) -> str:
    target = check_target_url(url, settings())
    check_target_host(target, settings())
    return str(target)


@router.get(
    "",
    summary="List your webhooks",
    description="Returns your webhooks, oldest first, without their secrets.",
    response_model=WebhookList,
)
def list_webhooks(user: Caller, place: PlaceDep) -> Response:
    return JSONResponse(
        {"webhooks": [webhook_info(webhook) for webhook in deliveries.webhooks_of(place.documents, user.id)]}
    )


@router.get(
    "/{webhook_id}",
    summary="Get a webhook",
    description="Returns a webhook without its secret.",
    response_model=WebhookInfo,
    responses=problem_responses(404),
)
def get_webhook(webhook: OwnWebhook) -> Response:
    return JSONResponse(webhook_info(webhook))


@router.patch(
    "/{webhook_id}",
    summary="Update a webhook",
    description="Changes, pauses or resumes a webhook. Omitted fields stay as they are.",
    response_model=WebhookInfo,
    responses=problem_responses(400, 404, 413, 415, 503),
    openapi_extra=json_body(WebhookUpdateRequest),
)
async def update_webhook(request: Request, webhook: OwnWebhook, place: PlaceDep) -> Response:
    update = await read_json(request, WebhookUpdateRequest)
    return JSONResponse(await run_in_threadpool(apply_update, place, webhook.id, update))


def apply_update(place: Place, webhook_id: str, update: WebhookUpdateRequest) -> dict[str, Any]:
    url = check_webhook_url(update.url) if update.url is not None else None

    def change(webhook: Webhook) -> bool:
        webhook.url = url or webhook.url
        webhook.events = sorted(set(update.events)) if update.events else webhook.events
        if "description" in update.model_fields_set:
            webhook.description = update.description
        if update.paused:
            deliveries.pause_webhook(webhook, "Paused by the owner.")
        elif update.paused is not None:
            deliveries.resume_webhook(webhook)
        return True

    return webhook_info(deliveries.change_webhook(place.documents, webhook_id, change))


@router.post(
    "/{webhook_id}/rotate",
    summary="Rotate a webhook's secret",
    description=(
        "Replaces the secret of a webhook, and returns the new one. For 24 hours, deliveries are signed with the "
        "replaced secret too, so that your server can change to the new one without rejecting a delivery."
    ),
    response_model=NewWebhook,
    responses=problem_responses(404),
)
def rotate_secret(webhook: OwnWebhook, place: PlaceDep) -> Response:
    def change(current: Webhook) -> bool:
        rotate_salt(current, clock.now())
        return True

    return JSONResponse(created_webhook(deliveries.change_webhook(place.documents, webhook.id, change)))


@router.delete(
    "/{webhook_id}",
    summary="Delete a webhook",
    description="Deletes a webhook with its log of deliveries.",
    status_code=204,
    response_class=Response,
    responses=problem_responses(404),
)
def delete_webhook(webhook: OwnWebhook, place: PlaceDep) -> None:
    clear_keys(place.documents, webhook.id)
    deliveries.delete_webhook_documents(place.documents, webhook.id)


@router.post(
    "/{webhook_id}/test",
    summary="Send a test delivery",
    description=(
        "Sends the event `webhook.test` to a webhook, in one attempt, even while the webhook is paused. "
        "GET /v1/webhooks/{webhook_id}/deliveries returns the outcome."
    ),
    status_code=202,
    response_model=DeliveryInfo,
    responses=problem_responses(404),
)
def send_test_delivery(webhook: OwnWebhook, place: PlaceDep) -> Response:
    return JSONResponse(delivery_info(deliveries.send_test_delivery(place, webhook)), 202)


@router.get(
    "/{webhook_id}/deliveries",
    summary="List webhook deliveries",
    description="Returns the deliveries of a webhook, newest first. They are kept for 30 days.",
    response_model=DeliveryPage,
    responses=problem_responses(404),
)
def list_deliveries(
    webhook: OwnWebhook,
    place: PlaceDep,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response:
    order = [("createdAt", "desc")]
    page = place.documents.query(DELIVERIES, [("webhookId", "==", webhook.id)], order, limit, cursor)  # type: ignore[arg-type]
    items = [delivery_info(WebhookDelivery.read(document.data)) for document in page.documents]
    return JSONResponse({"deliveries": items, "cursor": page.cursor})


@router.post(
    "/{webhook_id}/deliveries/{delivery_id}/replay",
    summary="Replay a delivery",
    description=(
        "Sends a delivery again, with the same `webhook-id` and the same body, and with all attempts. "
        "Returns 409 if the job was deleted or the webhook is paused."
    ),
    status_code=202,
    response_model=DeliveryInfo,
    responses=problem_responses(404, 409),
)
def replay_delivery(
    webhook: OwnWebhook,
    place: PlaceDep,
    delivery_id: Annotated[str, Path(pattern="^msg_[0-9a-f]{32}$", description="The `id` of the delivery.")],
) -> Response:
    delivery = deliveries.read_delivery(place.documents, delivery_id)
    if delivery is None or delivery.webhook_id != webhook.id:
        raise NotFound(delivery_id)
    if delivery.data is None:
        raise JobStateError("nothing_to_send", "The job was deleted, so this delivery cannot be replayed.")
    if webhook.paused_reason:
        raise JobStateError("webhook_paused", "The webhook is paused. Resume it first.")
    delivery = deliveries.change_delivery(place.documents, delivery_id, deliveries.reset_delivery)
    deliveries.publish_delivery(place, delivery_id)
    return JSONResponse(delivery_info(delivery), 202)
