"""Clients in TypeScript and Python, generated from the served document and used as docs/clients.md shows."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server import Server, serving

ROOT = Path(__file__).parents[2]
PACKAGES = ROOT / "tests" / "clients" / "node_modules"
GENERATOR = ROOT / ".venv" / "client-generator" / "bin"
DOCUMENT = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("clients") / "data") as running:
        yield running


@pytest.fixture(scope="module")
def environ(server: Server) -> dict[str, str]:
    """The variables of the document, with a key that may submit and read, and no more."""
    with server.client() as client:
        answer = client.post("/v1/auth/keys", json={"name": "laptop", "scopes": ["read", "write"]})
    assert answer.status_code == 201, answer.text
    return {**os.environ, "CLIPWISE": server.url, "CLIPWISE_KEY": answer.json()["key"]}


def example(name: str) -> str:
    """The block of the document that begins with a comment of this name."""
    blocks = re.findall(r"^```\w+\n(.*?)^```$", DOCUMENT, re.DOTALL | re.MULTILINE)
    (found,) = (block for block in blocks if block.partition("\n")[0].strip("/# ") == name)
    return str(found)


def options(program: str) -> list[str]:
    """What follows a program in the document's commands, up to the next command of the line."""
    (found,) = re.findall(rf"^(?:npx )?{program} ([^&\n]*)", DOCUMENT, re.MULTILINE)
    return str(found).replace('"', "").split()


def run(command: list[str | Path], folder: Path, environ: dict[str, str]) -> str:
    """Run a program within a folder; return what it prints."""
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def with_server(words: list[str], server: Server) -> list[str | Path]:
    return [word.replace("$CLIPWISE", server.url) for word in words]


def test_a_typescript_client_uploads_follows_and_reads(
    server: Server, environ: dict[str, str], small_video: Path, tmp_path: Path
) -> None:
    """The documented commands generate types, the compiler accepts the example in strict mode, and it gets a result."""
    node = shutil.which("node")
    if node is None or not (PACKAGES / ".package-lock.json").exists():
        pytest.skip("the generator of TypeScript clients is not installed; run `make client-deps`, which needs npm")
    (tmp_path / "node_modules").symlink_to(PACKAGES)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "upload.ts").write_text(example("upload.ts"))
    programs = PACKAGES / ".bin"
    run([programs / "openapi-typescript", *with_server(options("openapi-typescript"), server)], tmp_path, environ)
    run([programs / "tsc", *options("tsc")], tmp_path, environ)
    printed = run([node, "upload.js", small_video], tmp_path, environ)
    assert re.fullmatch(rf"{small_video.name} \d\d:\d\d:\d\d \d+\n", printed)


def test_a_python_client_uploads_follows_and_reads(
    server: Server, environ: dict[str, str], small_video: Path, tmp_path: Path
) -> None:
    """The documented commands generate a package without a fault in the document, and the example gets a result."""
    if not (GENERATOR / "openapi-python-client").exists():
        pytest.skip("the generator of Python clients is not installed; run `make client-deps`")
    (tmp_path / "upload.py").write_text(example("upload.py"))
    said = run(
        [GENERATOR / "openapi-python-client", *with_server(options("openapi-python-client"), server)],
        tmp_path,
        environ,
    )
    assert set(re.findall(r"WARNING parsing (.*?) within", said)) <= {"GET /v1/feeds/{token}/atom"}, said
    printed = run([GENERATOR / "python", "upload.py", small_video], tmp_path, environ)
    assert re.fullmatch(rf"{small_video.name} \d\d:\d\d:\d\d \d+\n", printed)


def test_the_document_types_every_response_and_field() -> None:
    """No generated client gets a field or a file of any type, apart from schemas and messages of other makers."""
    from functions.api.app import create_app

    document = create_app().openapi()
    schemas = document["components"]["schemas"]
    untyped = {
        f"{name}.{field}"
        for name, schema in schemas.items()
        for field, described in schema.get("properties", {}).items()
        if described.get("type") == "object"
        and described.get("additionalProperties", True) is True
        and "properties" not in described
    }
    # A JSON Schema, and a message as Pub/Sub or Cloud Storage wrote it.
    assert untyped == {"KindInfo.result", "DeadLetterInfo.data"}
    for path, operations in document["paths"].items():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                contents = response.get("content", {}).items()
                assert all(content.get("schema") for _, content in contents), f"{path} {status}"
    # A job has all of its fields at any time.
    assert set(schemas["Job"]["required"]) == set(schemas["Job"]["properties"])
