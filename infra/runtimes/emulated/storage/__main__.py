"""Serve the storage emulator: `python -m infra.runtimes.emulated.storage PORT FOLDER`; settings by environment."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import uvicorn
from google.cloud.pubsub_v1 import PublisherClient

from infra.runtimes.emulated.storage.app import storage_app
from infra.runtimes.emulated.storage.events import PubsubRelay
from shared.platform.embedded.place import open_embedded
from shared.settings import settings


def main(port: int, folder: Path) -> None:
    emulator_settings = replace(settings(), clipwise_data=folder)
    place = open_embedded(emulator_settings)
    PubsubRelay(
        place.queue, PublisherClient(), emulator_settings.google_cloud_project, emulator_settings.bucket_prefix
    ).start()
    frontends = {origin.strip().rstrip("/") for origin in emulator_settings.frontend_url.split(",")}
    app = storage_app(place.objects, folder / "uploads", emulator_settings.bucket_prefix, frontends)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", timeout_graceful_shutdown=1)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
