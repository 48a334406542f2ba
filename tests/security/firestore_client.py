"""Firestore's REST API on the emulator, as a browser would speak to it: with a user's token, under the rules."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass
from typing import Any

import httpx

ADMIN = "owner"
"""The emulator lets this token past the rules."""


def token(user: str | None, **claims: Any) -> str:
    """What the emulator takes for a user's ID token: a JWT that nobody signed."""
    now = int(time.time())
    standard = {"iat": now, "exp": now + 3600, "aud": "clipwise-local"} | (
        {"sub": user, "user_id": user} if user else {}
    )
    return f"{_part({'alg': 'none', 'typ': 'JWT'})}.{_part(standard | claims)}."


def _part(content: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


@dataclass
class Firestore:
    """One database."""

    client: httpx.Client
    host: str
    project: str

    @property
    def root(self) -> str:
        return f"projects/{self.project}/databases/(default)/documents"

    def call(self, bearer: str | None, method: str, path: str, body: Any = None) -> httpx.Response:
        headers = {} if bearer is None else {"Authorization": f"Bearer {bearer}"}
        return self.client.request(method, f"http://{self.host}/v1/{self.root}{path}", json=body, headers=headers)

    def store(self, path: str, **fields: Any) -> None:
        self.call(ADMIN, "PATCH", f"/{path}", {"fields": encoded(fields)}).raise_for_status()

    def name(self, path: str) -> str:
        return f"{self.root}/{path}"


def encoded(fields: dict[str, Any]) -> dict[str, Any]:
    return {key: _value(value) for key, value in fields.items()}


def _value(value: Any) -> dict[str, Any]:
    if value is None:
        return {"nullValue": None}
    if isinstance(value, list):
        return {"arrayValue": {"values": [_value(item) for item in value]}}
    if isinstance(value, dict):
        return {"mapValue": {"fields": encoded(value)}}
    return {"stringValue": value}


def where(field: str, op: str, value: Any) -> dict[str, Any]:
    return {"fieldFilter": {"field": {"fieldPath": field}, "op": op, "value": _value(value)}}


def either(*filters: dict[str, Any]) -> dict[str, Any]:
    return {"compositeFilter": {"op": "OR", "filters": list(filters)}}


def both(*filters: dict[str, Any]) -> dict[str, Any]:
    return {"compositeFilter": {"op": "AND", "filters": list(filters)}}


def query(
    collection: str, filter: dict[str, Any] | None = None, everywhere: bool = False, **more: Any
) -> dict[str, Any]:
    """`everywhere`: a collection-group query."""
    source = {"collectionId": collection} | ({"allDescendants": True} if everywhere else {})
    return {"from": [source]} | ({"where": filter} if filter else {}) | more
