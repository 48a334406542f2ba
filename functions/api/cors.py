"""Cross-origin resource sharing for the API's own paths."""

from __future__ import annotations

from starlette.middleware.cors import CORSMiddleware
from starlette.types import Receive, Scope, Send


class ApiCorsMiddleware(CORSMiddleware):
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Objects are mounted beside the API in the embedded place and decide for themselves, as Cloud Storage does.
        if scope["type"] == "http" and scope["path"].startswith("/storage/"):
            await self.app(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)
