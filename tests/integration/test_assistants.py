"""An assistant and a chat program on either local place, with a real video: from the file to a cited answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import httpx
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from openai import OpenAI

from tests.media_samples import with_subtitles
from tests.patience import PATIENCE_SEC
from tests.server import Server

LINE = "Roast the tomatoes in the oven for forty minutes."
QUESTION = "How long do I roast the tomatoes?"
SCRIPT = f"1\n00:00:00,500 --> 00:00:01,900\n{LINE}\n"
FINAL = ("done", "failed", "cancelled")


@pytest.fixture(scope="module")
def narrated(small_video: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video whose subtitles say what happens."""
    path = tmp_path_factory.mktemp("narrated") / "soup.mp4"
    return with_subtitles(path, small_video, "mov_text", SCRIPT, language="eng")


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    assert result.structured_content is not None
    return result.structured_content


async def ask_assistant(url: str, video: Path) -> str:
    """Do what an assistant does that is asked about a new file; return the id of the video."""
    async with (
        httpx2.AsyncClient(timeout=PATIENCE_SEC) as http,
        Client(streamable_http_client(f"{url}/mcp", http_client=http)) as client,
    ):
        size = video.stat().st_size
        about = {"filename": video.name, "content_type": "video/mp4", "size_bytes": size, "kind": "transcript"}
        upload = await call(client, "create_upload_link", **about)
        sent = httpx.request(upload["method"], upload["url"], content=video.read_bytes(), headers=upload["headers"])
        assert sent.is_success
        job = upload["job"]
        while job["status"] not in FINAL:
            job = await call(client, "get_job", job_id=job["job_id"], wait_seconds=45)
        assert job["status"] == "done", job["error"]
        video_id = str(job["video_id"])
        (line,) = (await call(client, "read_transcript", video_id=video_id))["lines"]
        assert line == {"seconds": 0.5, "speaker": None, "text": LINE}
        answer = await call(client, "ask", question=QUESTION, video_id=video_id)
        (source,) = answer["sources"]
        assert source["quote"] == LINE
        assert source["link"].endswith(f"/#/videos/{video_id}?t=0.5")
    return video_id


def test_a_file_becomes_a_cited_answer(place: Server, narrated: Path) -> None:
    """An upload link, the wait for the job, and answers with links to the second, by MCP and by OpenAI's SDK."""
    video_id = anyio.run(ask_assistant, place.url, narrated)
    with place.client() as client:
        group = client.post("/v1/groups", json={"name": "Soups"}).json()["id"]
        client.post(f"/v1/groups/{group}/videos", json={"videoIds": [video_id]})
        key = client.post("/v1/auth/keys", json={"name": "Chat", "scopes": ["read"]}).json()["key"]
    with OpenAI(base_url=f"{place.url}/v1/openai", api_key=key) as program:
        stream = program.chat.completions.create(
            model=f"clipwise-group-{group}", messages=[{"role": "user", "content": QUESTION}], stream=True
        )
        text = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
    assert f"/#/videos/{video_id}?t=0.5" in text
    assert LINE.rstrip(".") in text
