"""Measure a round trip of an MCP tool beside the HTTP request that it makes: `python -m benchmarks.mcp [CALLS]`."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median

import anyio
import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from benchmarks.sizes import size
from tests.server import CLIPWISE, serving

CALLS = size(200, smoke=1)
PATIENCE_SEC = 120
MESSAGE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {"name": "list_groups", "arguments": {}},
}


async def measure_ms(call: Callable[[], Awaitable[object]], calls: int) -> float:
    """Return the median duration of a call in milliseconds, after one that is not counted."""
    await call()
    durations = []
    for _ in range(calls):
        start = time.perf_counter()
        await call()
        durations.append((time.perf_counter() - start) * 1000)
    return median(durations)


async def measure(url: str, calls: int) -> dict[str, float]:
    """Return the median durations of listing groups, by the way. The SDK's client also validates each result."""
    program = StdioServerParameters(command=CLIPWISE[0], args=[*CLIPWISE[1:], "mcp", "--server", url], cwd=Path.cwd())
    async with httpx2.AsyncClient(timeout=PATIENCE_SEC, trust_env=False) as http:
        result = {"GET /v1/groups": await measure_ms(lambda: http.get(f"{url}/v1/groups?limit=10"), calls)}
        result["POST /mcp"] = await measure_ms(lambda: http.post(f"{url}/mcp", json=MESSAGE), calls)
        async with Client(streamable_http_client(f"{url}/mcp", http_client=http)) as client:
            result["tool over HTTP"] = await measure_ms(lambda: client.call_tool("list_groups", {}), calls)
    async with Client(program) as client:
        result["tool over stdio"] = await measure_ms(lambda: client.call_tool("list_groups", {}), calls)
    return result


def main() -> None:
    calls = int(sys.argv[1]) if sys.argv[1:] else CALLS
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder) / "data") as server:
        result = anyio.run(measure, server.url, calls)
    base = next(iter(result.values()))
    for name, duration in result.items():
        print(f"{name:18} {duration:7.1f} ms   {duration / base:5.1f} ×")


if __name__ == "__main__":
    main()
