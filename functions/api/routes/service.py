"""Whether the service is up."""

from __future__ import annotations

from fastapi import APIRouter

from functions.api.schemas import Health, Message

router = APIRouter(tags=["service"])


@router.get("/", summary="Say that the service is up")
def greet() -> Message:
    return Message(message="Clipwise is up. See /docs.")


@router.get("/healthz", summary="Answer while the process is well")
def health() -> Health:
    return Health(status="ok")
