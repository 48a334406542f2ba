"""The scripts of YouTube's players, run by the real Deno."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from yt_dlp.extractor.youtube.jsc._builtin.ejs import ScriptSource, ScriptType
from yt_dlp.extractor.youtube.jsc._director import initialize_jsc_director
from yt_dlp.extractor.youtube.jsc.provider import JsChallengeProviderError

from shared.settings import Settings
from shared.sources.video import ytdlp_scripts
from shared.sources.video.ytdlp import GuardedYoutubeDL
from shared.sources.video.ytdlp_network import ExtractionBudget
from shared.sources.video.ytdlp_scripts import BoundedDenoJCP, deno_path

pytestmark = pytest.mark.skipif(deno_path() is None, reason="No Deno for this platform: pip install deno")
OPTIONS = ["--ext=js", "--no-prompt", "--no-remote", "--no-npm", "--no-config", "--no-lock"]
ATTEMPTS = """
const attempts = {
  fetch: () => fetch("URL"),
  connect: () => Deno.connect({ hostname: "127.0.0.1", port: PORT }),
  import: () => import("URLmodule.js"),
  environment: async () => Deno.env.get("OPENAI_API_KEY"),
  read: () => Deno.readTextFile("/etc/passwd"),
  write: () => Deno.writeTextFile("/tmp/written-by-a-player", "x"),
  run: () => new Deno.Command("id").output(),
};
const results = {};
for (const [name, attempt] of Object.entries(attempts)) {
  try { results[name] = `done: ${await attempt()}`; } catch (error) { results[name] = error.name; }
}
console.log(JSON.stringify(results));
"""


@pytest.fixture
def provider() -> Iterator[BoundedDenoJCP]:
    """The runtime as yt-dlp finds it for a video of YouTube."""
    budget = ExtractionBudget(Settings(), lambda _: None)
    with GuardedYoutubeDL(Settings(), budget) as reader:
        director = initialize_jsc_director(reader.get_info_extractor("Youtube"))
        (only,) = director.providers.values()
        assert isinstance(only, BoundedDenoJCP)
        assert only.is_available()
        yield only


@pytest.fixture
def requests_to() -> Iterator[tuple[str, list[str]]]:
    """A server's address, and the requests it got."""
    paths: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/", paths
        server.shutdown()
        thread.join()


def test_a_script_reaches_nothing(
    provider: BoundedDenoJCP, requests_to: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A player's script, which comes from the network, has no network, files, environment or programs."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    url, paths = requests_to
    script = ATTEMPTS.replace("URL", url).replace("PORT", url.rpartition(":")[2].strip("/"))
    results = json.loads(provider._run_deno(script, OPTIONS))
    assert not [name for name, result in results.items() if result.startswith("done")], results
    assert paths == []


@pytest.mark.parametrize("script", ["for (;;) {}", "const all = []; for (;;) all.push(new Array(1e6).fill(1));"])
def test_a_script_without_end_is_stopped(
    provider: BoundedDenoJCP, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    """A script that never ends, or fills the memory, costs bounded time and memory, and is an error of the source."""
    monkeypatch.setattr(ytdlp_scripts, "TIMEOUT_SEC", 3.0)
    monkeypatch.setattr(ytdlp_scripts, "MAX_HEAP_MB", 64)
    with pytest.raises(JsChallengeProviderError):
        provider._run_deno(script, OPTIONS)


def test_the_solver_comes_from_its_package(provider: BoundedDenoJCP) -> None:
    """Nothing is downloaded at run time: the scripts that solve challenges are installed with yt-dlp."""
    sources = {
        script_type: provider._get_script(script_type).source for script_type in (ScriptType.LIB, ScriptType.CORE)
    }
    assert set(sources.values()) == {ScriptSource.PYPACKAGE}
