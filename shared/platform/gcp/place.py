"""The cloud as the place to run in; the emulated place is the same with `*_EMULATOR_HOST` set."""

from __future__ import annotations

import os

from shared.platform.ports import Place
from shared.settings import Settings


def open_gcp_place(settings: Settings) -> Place:
    """Google's services behind the ports, with one client of each: to be called once per process.

    Google's clients find the emulators by FIRESTORE_EMULATOR_HOST, STORAGE_EMULATOR_HOST and PUBSUB_EMULATOR_HOST.
    """
    from google.cloud import firestore
    from google.cloud.pubsub_v1 import PublisherClient
    from google.cloud.storage import Client

    from shared.platform.gcp.bus import BATCH, PubsubBus
    from shared.platform.gcp.documents import FirestoreDocuments
    from shared.platform.gcp.objects import GcsObjects
    from shared.platform.gcp.signing import account_signer, emulator_signer

    firestore_client = firestore.Client(project=settings.google_cloud_project or None)
    project = firestore_client.project
    signer = emulator_signer if os.environ.get("STORAGE_EMULATOR_HOST") else account_signer
    prefix = settings.bucket_prefix or f"{project}-"
    return Place(
        documents=FirestoreDocuments(firestore_client),
        objects=GcsObjects(Client(project=project), prefix, signer),
        bus=PubsubBus(PublisherClient(BATCH), project),
    )
