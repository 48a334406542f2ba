"""The configurations for assistants in the documentation: each one connects."""

from __future__ import annotations

import json
import re
import sys
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from tests.api_site import Site
from tests.functions.api.test_every_route import Owner
from tests.patience import PATIENCE_SEC

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "assistants.md"
BLOCKS = dict(re.findall(r"^### (.+?)\n.*?^```json\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.S | re.M))
PLACEHOLDERS = re.compile(r"API_KEY|\$\{[\w:-]+\}")


def connection(entry: dict[str, Any], http: httpx2.AsyncClient) -> AbstractAsyncContextManager[Client]:
    """Connect as an assistant does that has read this entry of its configuration."""
    if "command" not in entry:
        http.headers.update(entry["headers"])
        return Client(streamable_http_client(entry["url"], http_client=http))
    program = Path(sys.executable).with_name(entry["command"])
    return Client(StdioServerParameters(command=str(program), args=entry["args"], env=entry["env"], cwd=ROOT))


@pytest.mark.parametrize("name", BLOCKS)
def test_the_configuration_connects(site: Site, tmp_path: Path, name: str) -> None:
    """A reader who pastes a configuration, with an address and a key of their own, has the tools of their library."""
    site.configure(AUTH_REQUIRED="true")
    owner = Owner(site)
    owner.post("/v1/groups", name="Soups")
    text = PLACEHOLDERS.sub(owner.key("read", "write")["key"], BLOCKS[name])
    for example, real in (("https://clipwise.example.com", site.url), ("/Users/ann/Movies", str(tmp_path))):
        text = text.replace(example, real)
    config = json.loads(text)
    (entry,) = (config.get("mcpServers") or config["servers"]).values()

    async def run() -> None:
        async with httpx2.AsyncClient(timeout=PATIENCE_SEC) as http, connection(entry, http) as client:
            tools = {tool.name for tool in (await client.list_tools()).tools}
            assert {"search_library", "submit_link"} <= tools
            assert ("submit_file" in tools) == ("command" in entry)
            groups = (await client.call_tool("list_groups", {})).structured_content
            assert groups is not None
            assert groups["groups"][0]["name"] == "Soups"

    anyio.run(run)


def test_each_assistant_has_a_configuration() -> None:
    """The page has a configuration for each assistant that it names."""
    assert set(BLOCKS) == {"Claude Desktop", "Claude Code", "Cursor", "VS Code"}
