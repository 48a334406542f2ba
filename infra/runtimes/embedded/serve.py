"""The embedded server: API, storage and workers on one machine, until interrupted."""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from infra.runtimes.background_tasks import REINDEX_MINUTES, PeriodicTask, Scheduler, media_check, tick_tasks
from infra.runtimes.embedded.recovery import recover_work
from infra.runtimes.embedded.worker_pool import WorkerPool
from infra.runtimes.process import LOOPBACK, TerminationSignal, local_url, raise_on_signals, ready_line
from shared import clock, logs
from shared.pipeline.sweep import abort_upload
from shared.platform.embedded.database import Database, DataFolderError, DataFolderMoved
from shared.platform.embedded.place import EmbeddedPlace, open_embedded_place
from shared.platform.embedded.schema import ACCOUNT_MIGRATIONS
from shared.platform.embedded.uploads import StoredUpload
from shared.platform.memory import limit_memory
from shared.settings import Settings, settings
from shared.telemetry.metrics import observe_queue, prepare_metrics_folder

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.applications import Starlette

log = logging.getLogger(__name__)
GARBAGE_COLLECTION_MINUTES = 60
FOLDER_CHECK_MINUTES = 1 / 30
RESTORING = "restoring"
"""Folder inside the data folder that exists until `clipwise restore` has ended."""


class DataFolderLocked(DataFolderError):
    """Another server uses the same data folder."""


def serve(host: str, port: int, data: Path, ready: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM; `ready` is called once with a line about where the server accepts requests.

    Port 0 picks a free one. Raises DataFolderError, or OSError if the address cannot be bound.
    """
    import uvicorn

    from infra.runtimes.embedded.api_server import ApiServer
    from infra.runtimes.embedded.connections import LimitedConnection, connection_limit

    # Whatever this process and its workers write is for their user alone.
    os.umask(0o077)
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (
        lock_data_folder(data) as lock,
        bind_socket(host, port) as listener,
        suppress(KeyboardInterrupt, TerminationSignal),
    ):
        raise_on_signals()
        check_data_folder(data)
        bound_port = listener.getsockname()[1]
        server_settings = configure_environment(data, host, local_url(host, bound_port))
        place = open_embedded_place(server_settings)
        logs.configure_logging(logs.PlainFormatter(), logging.INFO)
        recover_work(place)

        LimitedConnection.limit = connection_limit()
        server = ApiServer(
            uvicorn.Config(
                create_server_app(place),
                # Not uvicorn's own handlers, which would bypass the limit on repeated records.
                log_config=None,
                log_level="warning",
                access_log=False,
                http=LimitedConnection,
                # So many connections are accepted at once; more wait in the kernel.
                backlog=LimitedConnection.limit,
                # The API evaluates proxy headers itself, as TRUSTED_PROXIES permits.
                proxy_headers=False,
                timeout_graceful_shutdown=2,
            ),
            lambda: ready(ready_line(host, bound_port, server_settings.public_url)),
        )
        tasks: list[PeriodicTask] = [
            *tick_tasks(place.place.bus),
            (GARBAGE_COLLECTION_MINUTES, place.collect_garbage),
            (FOLDER_CHECK_MINUTES, partial(stop_if_moved, data, lock)),
        ]
        temporary = create_worker_folder(data)
        prepare_metrics_folder(temporary)
        observe_queue(place.queue.depth)
        # The workers, which inherit it, set their own.
        limit_memory(server_settings.api_memory_mb)
        with (
            WorkerPool(temporary, place) as pool,
            media_check(temporary),
            Scheduler([*tasks, (REINDEX_MINUTES, pool.reindex)]),
        ):
            try:
                server.run(sockets=[listener])
            finally:
                require_unmoved(data, lock)


def check_data_folder(data: Path) -> None:
    """Refuse a folder that has lost a database; the caller holds its lock.

    A new, empty database would hide the loss, and everything that the lost one named would be deleted as garbage.
    """
    documents, accounts = data / "clipwise.db", data / "accounts.db"
    if (data / RESTORING).exists() and not documents.exists():
        raise DataFolderError(f"A restore into {data} was interrupted. Run `clipwise restore` again.")
    lost = None
    if _is_blank(documents) and (
        next(data.glob("blobs/??/*"), None) or not all(map(_is_blank, (accounts, _log_of(documents))))
    ):
        lost = documents
    elif _is_blank(accounts) and (accounts.exists() or not _is_blank(_log_of(accounts))):
        lost = accounts
    if lost:
        raise DataFolderError(
            f"{lost} is missing or empty, but {data} contains data that belongs to it. Put the file back from a backup "
            f"together with {lost.name}-wal, or choose another data folder. To start anew, delete {data}."
        )
    if accounts.exists():
        # Opened by the first sign-in, which must not be the one to find it damaged.
        Database(accounts, ACCOUNT_MIGRATIONS).close()


def _is_blank(path: Path) -> bool:
    return not path.exists() or path.stat().st_size == 0


def _log_of(database: Path) -> Path:
    return database.with_name(database.name + "-wal")


def configure_environment(data: Path, host: str, url: str) -> Settings:
    """Set this process's environment, which the workers inherit; keeps the user's values."""
    os.environ["CLIPWISE_PLACE"] = "embedded"
    os.environ["CLIPWISE_DATA"] = str(data.resolve())
    os.environ.setdefault("PUBLIC_URL", url)
    os.environ.setdefault("LEASE_SEC", "10")
    os.environ.setdefault("AUTH_REQUIRED", "false" if host in LOOPBACK else "true")
    clock.start_steady_clock(os.environ)
    settings.cache_clear()
    return settings()


def create_server_app(place: EmbeddedPlace) -> FastAPI:
    """Return the API with the metrics, and with the storage application mounted, which replaces Cloud Storage."""
    from functions.api.app import create_app
    from infra.runtimes.embedded import metrics

    app = create_app()
    app.mount("/storage", create_storage_app(place))
    app.add_route(metrics.PATH, partial(metrics.metrics_response, place.queue), include_in_schema=False)
    return app


def create_storage_app(place: EmbeddedPlace) -> Starlette:
    """Return the storage application, in which an upload that is rejected or cancelled ends its job."""

    def abort(upload: StoredUpload, reason: str | None) -> None:
        abort_upload(place.place, upload.bucket, upload.name, reason)

    return place.storage_app(abort)


def create_worker_folder(data: Path) -> Path:
    """Create the workers' temporary folder, removing leftovers of killed workers."""
    folder = data / "tmp"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


@contextmanager
def lock_data_folder(data: Path) -> Iterator[int]:
    """Lock the data folder for this process and yield the lock's descriptor; raises DataFolderLocked."""
    with (data / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataFolderLocked(
                f"another Clipwise server uses {data}. Stop it or use another --data folder."
            ) from None
        yield lock.fileno()


def stop_if_moved(data: Path, lock: int) -> None:
    """End the server if its data folder is elsewhere now: new files would not be with the old ones."""
    try:
        require_unmoved(data, lock)
    except DataFolderMoved as error:
        log.critical("stopping: %s", error)
        os.kill(os.getpid(), signal.SIGTERM)


def require_unmoved(data: Path, lock: int) -> None:
    """Raises DataFolderMoved if the lock that a descriptor holds is no longer in the folder."""
    path = data / "lock"
    if not path.exists() or not os.path.samestat(path.stat(), os.fstat(lock)):
        raise DataFolderMoved(
            f"{data} was moved, renamed or replaced while the server ran. Put it back, or start the server with --data "
            "and the new place. Nothing is lost; delete a folder that has been created at the old place since."
        )


@contextmanager
def bind_socket(host: str, port: int) -> Iterator[socket.socket]:
    """Bind a socket to the address; raises OSError if it is in use."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio disables Nagle's algorithm only for sockets declared as TCP; with it, responses are delayed by 40 ms.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        yield listener
