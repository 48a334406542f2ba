"""A FastAPI application that verifies the caller's access token and answers; it prints its port."""

from __future__ import annotations

import socket
from typing import Annotated

import uvicorn
from fastapi import Depends, FastAPI
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from shared.platform.accounts import User
from shared.platform.identity import current_identity

app = FastAPI()


def user(credentials: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]) -> User:
    return current_identity().verify_token(credentials.credentials)


@app.get("/v1/jobs/{job_id}")
def hello(job_id: str, caller: Annotated[User, Depends(user)]) -> dict[str, str]:
    return {"id": job_id, "owner": caller.id}


if __name__ == "__main__":
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])
