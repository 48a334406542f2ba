"""Accounts of a real installation, in both local places."""

from __future__ import annotations

from pathlib import Path

import httpx

from tests.accounts import PASSWORD, Mailbox
from tests.server import Server


def box(place: Server) -> Mailbox:
    emulated = place.data / "emulated"
    return Mailbox(emulated if emulated.exists() else place.data)


def test_an_account_from_beginning_to_end(place: Server, small_video: Path) -> None:
    """Someone signs up, answers the mail, sends a video, deletes the account; the logs have none of the secrets."""
    with httpx.Client(base_url=place.url) as client:
        form = {"username": "Ann", "email": "ann@example.com", "password": PASSWORD}
        assert client.post("/v1/auth/signup", json=form).status_code == 202
        (mailed,) = box(place).tokens("verify", "ann@example.com")
        assert client.post("/v1/auth/verify-email", json={"token": mailed}).status_code == 200
        session = client.post("/v1/auth/login", json={"username": "ann", "password": PASSWORD}).json()
        client.headers["Authorization"] = f"Bearer {session['access_token']}"
        assert client.get("/v1/auth/me").json()["email"] == "ann@example.com"
        with small_video.open("rb") as file:
            files = {"file": ("clip.mp4", file, "video/mp4")}
            job = client.post("/v1/jobs", files=files, data={"kind": "metadata"})
        assert job.status_code == 202
        fresh = client.post("/v1/auth/refresh", json={"refresh_token": session["refresh_token"]}).json()
        client.headers["Authorization"] = f"Bearer {fresh['access_token']}"
        assert [one["id"] for one in client.get("/v1/jobs").json()["jobs"]] == [job.json()["id"]]
        assert client.delete("/v1/auth/me").status_code == 204
        assert client.get("/v1/jobs").status_code == 401
    secrets = [
        PASSWORD,
        mailed,
        *(tokens[name] for tokens in (session, fresh) for name in ("access_token", "refresh_token")),
    ]
    for name, log in place.logs().items():
        for secret in secrets:
            assert secret not in log, f"{name} has a secret"
        assert "ann@example.com" not in log
