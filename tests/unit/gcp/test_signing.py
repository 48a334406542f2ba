"""Signed links in the cloud: the service account signs by IAM, with Google's own libraries over loopback servers."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from google.auth import iam
from google.auth.compute_engine import _metadata
from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Client
from google.oauth2.credentials import Credentials

from shared.platform.gcp import place as signing
from shared.platform.gcp.objects import GcsObjects

ACCOUNT = "api@some-project.iam.gserviceaccount.com"
TOKEN = "token-of-the-metadata-server"
METADATA = {
    "/": "computeMetadata/",
    "/computeMetadata/v1/project/project-id": "some-project",
    "/computeMetadata/v1/universe/universe-domain": "googleapis.com",
    "/computeMetadata/v1/instance/service-accounts/default/": json.dumps(
        {"email": ACCOUNT, "scopes": [], "aliases": []}
    ),
    "/computeMetadata/v1/instance/service-accounts/default/token": json.dumps(
        {"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"}
    ),
}


class Google(BaseHTTPRequestHandler):
    """The metadata server of a Cloud Run instance, and IAM's signBlob for its account."""

    key: RSAPrivateKey

    def do_GET(self) -> None:
        found = METADATA.get(urlsplit(self.path).path.replace(ACCOUNT, "default") or "/", "")
        content_type = "application/json" if found.startswith("{") else "text/plain"
        self._answer(found.encode(), content_type, 200 if found else 404)

    def do_POST(self) -> None:
        assert self.path == f"/v1/projects/-/serviceAccounts/{ACCOUNT}:signBlob"
        assert self.headers["Authorization"] == f"Bearer {TOKEN}"
        message = base64.b64decode(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["payload"])
        signature = base64.b64encode(self.key.sign(message, PKCS1v15(), SHA256())).decode()
        self._answer(json.dumps({"keyId": "1", "signedBlob": signature}).encode(), "application/json", 200)

    def _answer(self, body: bytes, content_type: str, status: int) -> None:
        self.send_response(status)
        self.send_header("Metadata-Flavor", "Google")
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[type[Google]]:
    Google.key = generate_private_key(65537, 2048)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Google)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    host = f"127.0.0.1:{server.server_port}"
    monkeypatch.setattr(_metadata, "_GCE_METADATA_HOST", host)
    monkeypatch.setenv("GCE_METADATA_IP", host)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(iam, "_IAM_SIGN_ENDPOINT", f"http://{host}/v1/projects/-/serviceAccounts/{{}}:signBlob")
    signing.account_signer.cache_clear()
    yield Google
    signing.account_signer.cache_clear()
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_service_account_signs_links_without_a_key(google: type[Google]) -> None:
    """In the cloud no key file exists, and a link still carries a signature that Cloud Storage will accept."""
    objects = GcsObjects(Client("some-project", AnonymousCredentials()), "some-project-", signing.account_signer)
    link = urlsplit(objects.signed_url("media", "job/frames/01 ü.jpg", 60, filename="Größe.jpg"))
    assert (link.netloc, unquote(link.path)) == ("storage.googleapis.com", "/some-project-media/job/frames/01 ü.jpg")
    query = {name: values[0] for name, values in parse_qs(link.query).items()}
    assert query["X-Goog-Credential"].startswith(f"{ACCOUNT}/")
    assert query["X-Goog-Expires"] in ("59", "60")
    assert query["response-content-disposition"].endswith("filename*=UTF-8''Gr%C3%B6%C3%9Fe.jpg")
    unsigned = link.query.partition("&X-Goog-Signature=")[0]
    canonical = f"GET\n{link.path}\n{unsigned}\nhost:{link.netloc}\n\nhost\nUNSIGNED-PAYLOAD"
    scope = query["X-Goog-Credential"].partition("/")[2]
    text = "\n".join(["GOOG4-RSA-SHA256", query["X-Goog-Date"], scope, hashlib.sha256(canonical.encode()).hexdigest()])
    signature = bytes.fromhex(query["X-Goog-Signature"])
    google.key.public_key().verify(signature, text.encode(), PKCS1v15(), SHA256())


def test_a_persons_credentials_cannot_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who runs the cloud's adapters under their own name is told how to sign links."""
    monkeypatch.setattr("google.auth.default", lambda scopes: (Credentials("a token"), "some-project"))
    signing.account_signer.cache_clear()
    with pytest.raises(signing.SigningUnavailable, match="--impersonate-service-account"):
        signing.account_signer()


def test_google_reads_objects_by_their_uri(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the cloud a service of Google's gets the object's own address, unless the buckets are an emulator's."""
    objects = GcsObjects(Client("some-project", AnonymousCredentials()), "some-project-", signing.account_signer)
    assert objects.google_uri("uploads", "job/source") == "gs://some-project-uploads/job/source"
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:1")
    objects = GcsObjects(Client("some-project", AnonymousCredentials()), "some-project-", signing.emulator_signer)
    assert objects.google_uri("uploads", "job/source") is None
