"""Availability of the service."""

from __future__ import annotations

from fastapi import APIRouter

from functions.api.schemas import Health, MessageResponse

router = APIRouter(tags=["service"])


@router.get("/", summary="Get a welcome message", description="Returns a message that the service is running.")
def greet() -> MessageResponse:
    return MessageResponse(message="Clipwise is running. See /docs for the API.")


@router.get(
    "/healthz",
    summary="Liveness check",
    description="Returns 200 as long as the process can answer requests. It does not check other services.",
)
def health() -> Health:
    return Health(status="ok")
