"""Models of stored documents and API bodies, and their base class."""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

READ_ONLY: dict[str, Any] = {"readOnly": True}
"""Marks fields that Clipwise sets itself: they are not part of the schema for AI providers."""


class Model(BaseModel):
    """Base class of all models: snake case in Python, camel case in documents and over HTTP."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore")

    def to_document(self) -> dict[str, Any]:
        """Return the form that `Documents` store: camelCase keys, native datetimes."""
        return self.model_dump(mode="python", by_alias=True)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form for HTTP: camelCase keys, ISO 8601 times."""
        return self.model_dump(mode="json", by_alias=True)

    @classmethod
    def read(cls, data: dict[str, Any]) -> Self:
        return cls.model_validate(data)
