"""The HTTP function: serves the whole API.

Triggered by: HTTP. Reads: job documents, media. Writes: jobs, idempotency keys, `uploads/{job}/source`.
Triggers: `download` by topic `video-requested` for a URL; `extract` by the object being finalized for a file.

The function returns an ASGI application, which reads the request body itself: nothing may read it earlier.
The framework sends no lifespan events, so the application creates what it needs at its first request.
"""

from __future__ import annotations

from functools import lru_cache

import functions_framework.aio
from fastapi import FastAPI
from starlette.requests import Request

from functions.api.app import create_app


@functions_framework.aio.http  # type: ignore[arg-type]  # an ASGI application answers as a Response does
async def api(request: Request) -> FastAPI:
    return application()


@lru_cache(maxsize=1)
def application() -> FastAPI:
    return create_app()
