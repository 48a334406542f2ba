"""Counts on the wire what the emulated place asks of Google's services: proxies before the three emulators.

The independent check of `counting`: nothing here knows the ports, and everything there is before the adapters.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
import httpx
from google.cloud.firestore_v1 import types as firestore
from google.pubsub_v1 import types as pubsub

from infra.runtimes.emulated.emulators import EmulatorHosts

STREAMS = 200
COMMIT, PUBLISH = "/google.firestore.v1.Firestore/Commit", "/google.pubsub.v1.Publisher/Publish"
ASKED = (COMMIT, PUBLISH)
DROPPED = ("connection", "transfer-encoding", "content-encoding", "keep-alive")


class Wire:
    """What went by, in the units of `counting`."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        self._guard = threading.Lock()

    def add(self, unit: str, count: int = 1) -> None:
        with self._guard:
            self.seen[unit] += count

    def asked(self, method: str, message: bytes) -> None:
        """What Firestore or Pub/Sub was asked to do, and did: what another writer was faster with costs nothing."""
        if method == COMMIT:
            for write in firestore.CommitRequest.deserialize(message).writes:
                self.add("deletes" if "delete" in write else "writes")
        elif method == PUBLISH:
            request = pubsub.PublishRequest.deserialize(message)
            topic = request.topic.rsplit("/", 1)[-1]
            self.add("events" if topic.startswith("eventarc-") else "messages", len(request.messages))

    def answered(self, method: str, messages: list[bytes]) -> None:
        """All messages that came back."""
        if method == "/google.firestore.v1.Firestore/BatchGetDocuments":
            self.add("reads", len(messages))
        elif method == "/google.firestore.v1.Firestore/RunQuery":
            found = [firestore.RunQueryResponse.deserialize(message) for message in messages]
            self.add("reads", max(1, sum("document" in answer for answer in found)))
            self.add("queries")


@contextmanager
def grpc_proxy(target: str, wire: Wire) -> Iterator[str]:
    """Serve all methods that `target` does; gives `host:port`."""

    class Forward(grpc.GenericRpcHandler):  # type: ignore[misc]  # grpc has no types
        def service(self, call: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
            method = call.method

            def handle(requests: Iterable[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
                sent: list[bytes] = []
                refused = False

                def passed() -> Iterator[bytes]:
                    for message in requests:
                        if method in ASKED:
                            sent.append(message)
                        yield message

                told = [(name, value) for name, value in context.invocation_metadata() if name != "user-agent"]
                answers = channel.stream_stream(method)(passed(), metadata=told)
                context.add_callback(answers.cancel)
                kept: list[bytes] = []
                try:
                    for message in answers:
                        if "Listen" not in method:
                            kept.append(message)
                        yield message
                except grpc.RpcError as error:
                    # Who has enough of a query's answers cancels the rest.
                    refused = error.code() is not grpc.StatusCode.CANCELLED
                    context.set_trailing_metadata(answers.trailing_metadata() or ())
                    context.abort(error.code(), error.details() or "")
                finally:
                    if not refused:
                        for message in sent:
                            wire.asked(method, message)
                        wire.answered(method, kept)

            return grpc.stream_stream_rpc_method_handler(handle)

    server = grpc.server(ThreadPoolExecutor(STREAMS), [Forward()])
    port = server.add_insecure_port("127.0.0.1:0")
    with grpc.insecure_channel(target) as channel:
        server.start()
        try:
            yield f"127.0.0.1:{port}"
        finally:
            server.stop(0).wait()


@contextmanager
def http_proxy(target: str, wire: Wire) -> Iterator[str]:
    """Serve what `target` does, classed as Cloud Storage's price list has it; gives the URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            unit = classed(self.command, self.path)
            answer = client.request(self.command, target + self.path, headers=dict(self.headers), content=body)
            if unit and answer.status_code < 500:
                wire.add(unit)
            self.send_response(answer.status_code)
            for name, value in answer.headers.multi_items():
                if name.lower() not in (*DROPPED, "content-length"):
                    self.send_header(name, value)
            if self.command != "HEAD":
                self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            if self.command != "HEAD":
                with suppress(BrokenPipeError):
                    self.wfile.write(answer.content)

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_OPTIONS = forward

        def log_message(self, *_: Any) -> None:
            """Nothing is said of single requests."""

    with httpx.Client(timeout=60, trust_env=False) as client:
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()


def classed(method: str, path: str) -> str | None:
    """The class of a request by https://cloud.google.com/storage/pricing; None for a part of one, and what is free."""
    if method == "DELETE":
        return "object deletes"
    if method == "POST":
        return "class_a"
    if method == "PUT" or method == "OPTIONS":
        return None
    listing = path.partition("?")[0].endswith("/o")
    return "class_a" if listing else "class_b"


@contextmanager
def watched(hosts: EmulatorHosts) -> Iterator[tuple[EmulatorHosts, Wire]]:
    """The emulators, reached through proxies."""
    wire = Wire()
    with ExitStack() as stack:
        firestore_at = stack.enter_context(grpc_proxy(hosts.firestore, wire))
        pubsub_at = stack.enter_context(grpc_proxy(hosts.pubsub, wire))
        storage_at = stack.enter_context(http_proxy(hosts.storage, wire))
        yield replace(hosts, firestore=firestore_at, pubsub=pubsub_at, storage=storage_at), wire
