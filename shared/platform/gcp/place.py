"""Assembles the adapters of the cloud and the signers of links; the emulated place sets `*_EMULATOR_HOST`."""

from __future__ import annotations

import base64
import os
from functools import lru_cache

import google.auth
from google.auth import crypt, iam
from google.auth.credentials import Signing
from google.auth.transport.requests import Request
from google.oauth2 import service_account

from shared.platform.ports import Place
from shared.settings import Settings

TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105  # an address
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
EMULATOR_DOMAIN = "emulator.invalid"
EXPONENT = 65537


class SigningUnavailable(RuntimeError):
    """The identity of the process cannot sign links."""


@lru_cache(maxsize=1)
def account_signer() -> Signing:
    """Sign as the process's service account, through IAM's signBlob (`roles/iam.serviceAccountTokenCreator` on itself).

    Credentials that can sign, such as impersonated ones, sign themselves, so that no key file exists.

    Raises:
        SigningUnavailable: The credentials belong to a person.
    """
    credentials, _ = google.auth.default(scopes=[SCOPE])
    if isinstance(credentials, Signing):
        return credentials
    request = Request()
    if not hasattr(credentials, "service_account_email"):
        raise SigningUnavailable(
            "Only a service account can sign links. Run as one, "
            "or use `gcloud auth application-default login --impersonate-service-account=ACCOUNT`."
        )
    # Credentials of the metadata server have their account's name only after the first token.
    credentials.refresh(request)
    email = credentials.service_account_email
    return service_account.Credentials(iam.Signer(request, credentials, email), email, TOKEN_URI)


@lru_cache(maxsize=1)
def emulator_signer() -> Signing:
    """Sign with a key of this process, for the storage emulator without accounts: the key is the account's name."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=EXPONENT, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    name = base64.urlsafe_b64encode(key.public_key().public_numbers().n.to_bytes(256)).decode()
    return service_account.Credentials(crypt.RSASigner.from_string(pem), f"{name}@{EMULATOR_DOMAIN}", TOKEN_URI)


def open_gcp_place(settings: Settings) -> Place:
    """Open Google's services with one client each. Call this once per process.

    Google's clients connect to emulators by FIRESTORE_EMULATOR_HOST, STORAGE_EMULATOR_HOST and PUBSUB_EMULATOR_HOST.
    """
    from google.cloud import firestore
    from google.cloud.pubsub_v1 import PublisherClient
    from google.cloud.storage import Client

    from shared.platform.gcp.bus import BATCH, PubsubBus
    from shared.platform.gcp.documents import FirestoreDocuments
    from shared.platform.gcp.objects import GcsObjects

    firestore_client = firestore.Client(project=settings.google_cloud_project or None)
    project = firestore_client.project
    signer = emulator_signer if os.environ.get("STORAGE_EMULATOR_HOST") else account_signer
    prefix = settings.bucket_prefix or f"{project}-"
    return Place(
        documents=FirestoreDocuments(firestore_client),
        objects=GcsObjects(Client(project=project), prefix, signer),
        bus=PubsubBus(PublisherClient(BATCH), project),
    )
