"""The kinds of analysis."""

from __future__ import annotations

from fastapi import APIRouter

from functions.api.schemas import KindInfo, KindList
from shared.analyses.kinds import kinds

router = APIRouter(prefix="/v1", tags=["kinds"])


@router.get(
    "/kinds",
    summary="List analysis kinds",
    description="Returns all kinds of analysis, with their stages and the JSON Schema of their results.",
)
def list_kinds() -> KindList:
    return KindList(
        kinds=[
            KindInfo(
                name=kind.name,
                does=kind.does,
                stages=list(kind.stages),
                needs_video=kind.needs_video,
                result=kind.schema.model_json_schema(mode="serialization"),
            )
            for kind in kinds().values()
        ]
    )
