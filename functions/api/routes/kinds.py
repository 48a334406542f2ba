"""What can be done with a video."""

from __future__ import annotations

from fastapi import APIRouter

from functions.api.schemas import KindInfo, KindList
from shared.analyses.kinds import kinds

router = APIRouter(prefix="/v1", tags=["kinds"])


@router.get("/kinds", summary="List the kinds of analysis and what they give")
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
