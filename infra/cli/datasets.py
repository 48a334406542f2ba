"""Image dataset commands."""

from __future__ import annotations

import json as json_text
import time
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EISDIR, ENOENT
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infra.cli.options import LOCAL, Server, is_url
from shared.security.filenames import safe_filename

if TYPE_CHECKING:
    from infra.cli.session import CliSession

commands = typer.Typer(help="Create, list, run and export image datasets.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(help="Dataset id, as `clipwise dataset list` prints it.")]
Json = Annotated[bool, typer.Option("--json", help="Print the dataset document, as JSON.")]
POLL_SEC = 1.0
LIST_SEC = 150.0
"""Time limit for the server to fetch a list; slightly longer than the server's own."""
END_STATUSES = ("completed", "failed", "cancelled")


@contextmanager
def lazy_session(server: str) -> Iterator[CliSession]:
    from infra.cli.session import open_session

    with open_session(server) as session:
        yield session


@commands.command()
def create(
    name: Annotated[str, typer.Argument(help="Name of the dataset.")],
    keyword: Annotated[list[str] | None, typer.Option("--keyword", "-k", help="Search term. Repeatable.")] = None,
    source: Annotated[
        list[str] | None,
        typer.Option("--source", help="Image source: bing, duckduckgo, openverse or google. Repeatable."),
    ] = None,
    lists: Annotated[
        list[str] | None,
        typer.Option("--list", help="File or URL with a list of image URLs: text, CSV or JSON Lines. Repeatable."),
    ] = None,
    max_images: Annotated[int, typer.Option(min=1, help="Maximum number of images to keep.")] = 100,
    licence: Annotated[
        list[str] | None, typer.Option("--licence", help="Accepted licence, e.g. cc0 or by-sa. Repeatable.")
    ] = None,
    min_size: Annotated[int | None, typer.Option(min=1, help="Minimum width and height in pixels.")] = None,
    level: Annotated[str, typer.Option(help="How thoroughly to validate images: fast, medium or slow.")] = "medium",
    start: Annotated[bool, typer.Option("--start", help="Start the dataset and follow it.")] = False,
    server: Server = LOCAL,
) -> None:
    """Create a dataset and print its id."""
    filters = {"min_width": min_size, "min_height": min_size} if min_size else {}
    body: dict[str, Any] = {
        "name": name,
        "keywords": keyword or [],
        "maxImages": max_images,
        "filters": filters | {"licences": licence or []},
        "level": level,
    }
    if source:
        body["sources"] = source
    with lazy_session(server) as session:
        # Before the dataset exists: a mistyped name leaves nothing behind.
        for list_source in lists or []:
            check_list(list_source)
        id = session.api.request_json("POST", "/v1/datasets", json=body)["id"]
        for list_source in lists or []:
            upload_list(session, id, list_source)
        session.out.print(id)
        if start:
            session.api.request_json("POST", f"/v1/datasets/{id}/start")
            follow_dataset(session, id)


def check_list(source: str) -> None:
    """Raise OSError unless the source is a URL or a file."""
    path = Path(source)
    if is_url(source) or path.is_file():
        return
    if path.is_dir():
        raise IsADirectoryError(EISDIR, "", source)
    raise FileNotFoundError(ENOENT, "No such file. A URL must begin with http:// or https://.", source)


def upload_list(session: CliSession, id: str, source: str) -> None:
    if is_url(source):
        session.api.request_json("POST", f"/v1/datasets/{id}/lists", json={"url": source}, timeout=LIST_SEC)
        return
    with Path(source).open("rb") as file:
        session.api.request_json("POST", f"/v1/datasets/{id}/lists", files={"file": (Path(source).name, file)})


@commands.command("list")
def list_datasets(
    limit: Annotated[int, typer.Option(min=1, max=100, help="Maximum number of datasets to list.")] = 20,
    server: Server = LOCAL,
) -> None:
    """List your datasets, newest first."""
    from infra.cli.views import datasets_table

    with lazy_session(server) as session:
        datasets = session.api.request_json("GET", "/v1/datasets", params={"limit": limit})["datasets"]
        if datasets:
            session.out.print(datasets_table(datasets))
        else:
            session.print_message(
                f"No datasets found. Create one with {session.format_command('dataset create NAME -k KEYWORD')}."
            )


@commands.command()
def start(id: Id, server: Server = LOCAL) -> None:
    """Start or resume a dataset."""
    with lazy_session(server) as session:
        chunks = session.api.request_json("POST", f"/v1/datasets/{id}/start")["progress"]["chunks"]["total"]
        session.print_message(
            f"Started {chunks} chunk{'' if chunks == 1 else 's'}. "
            f"Follow the dataset with {session.format_command(f'dataset watch {id}')}."
        )


@commands.command()
def stop(id: Id, server: Server = LOCAL) -> None:
    """Stop a dataset. Downloaded images are kept."""
    with lazy_session(server) as session:
        session.api.request_json("POST", f"/v1/datasets/{id}/stop")
        session.print_message(f"Stopped dataset {id}.")


@commands.command()
def retry(id: Id, server: Server = LOCAL) -> None:
    """Retry the failed chunks of a dataset, and follow it."""
    with lazy_session(server) as session:
        session.api.request_json("POST", f"/v1/datasets/{id}/retry")
        follow_dataset(session, id)


@commands.command()
def watch(id: Id, json: Json = False, server: Server = LOCAL) -> None:
    """Follow a dataset until it ends, and print a report."""
    with lazy_session(server) as session:
        follow_dataset(session, id, json)


@commands.command()
def export(
    id: Id,
    format: Annotated[
        str, typer.Option(help="File format: zip, webdataset, parquet, coco or sheet (an HTML page).")
    ] = "zip",
    include: Annotated[
        list[str] | None,
        typer.Option("--include", help="Images to export: accepted, not_checked or the name of a check. Repeatable."),
    ] = None,
    output: Annotated[Path, typer.Option(help="Folder for the exported files.")] = Path(),
    server: Server = LOCAL,
) -> None:
    """Export a dataset and download the files."""
    with lazy_session(server) as session:
        body = {"format": format} | ({"include": include} if include else {})
        dataset_export = session.api.request_json("POST", f"/v1/datasets/{id}/exports", json=body)
        while dataset_export["status"] not in ("done", "failed", "cancelled"):
            time.sleep(POLL_SEC)
            dataset_export = session.api.request_json("GET", f"/v1/datasets/{id}/exports/{dataset_export['id']}")
        if dataset_export["status"] != "done":
            session.print_message(dataset_export["error"]["message"])
            raise typer.Exit(1)
        for file in dataset_export["files"]:
            # Only the last part of a name counts: no server may write outside the folder.
            path = output / (safe_filename(file["name"]) or id)
            session.api.download_file(file["url"], path)
            session.out.print(str(path))


@commands.command()
def delete(id: Id, server: Server = LOCAL) -> None:
    """Delete a dataset with all its images and exports."""
    with lazy_session(server) as session:
        session.api.delete_resource(f"/v1/datasets/{id}")
        session.print_message(f"Deleted dataset {id}.")


def follow_dataset(session: CliSession, id: str, json: bool = False) -> None:
    """Print each change until the dataset has ended; exits with code 1 unless it is completed."""
    from infra.cli.progress import follow_document

    last_line = ""
    dataset: dict[str, Any] = {}
    for dataset in follow_document(
        partial(session.api.stream_events, id, collection="datasets"),
        partial(session.api.request_json, "GET", f"/v1/datasets/{id}"),
        lambda dataset: dataset["status"] in END_STATUSES,
    ):
        line = progress_line(dataset)
        if line != last_line:
            session.print_message(line)
            last_line = line
    if json:
        session.out.print_json(json_text.dumps(dataset))
    else:
        session.out.print("\n".join(report_lines(dataset)), markup=False)
    if dataset["status"] != "completed":
        raise typer.Exit(1)


def progress_line(dataset: dict[str, Any]) -> str:
    progress = dataset["progress"]
    chunks, images = progress["chunks"], progress["images"]
    done = chunks["completed"] + chunks["failed"]
    return (
        f"{dataset['status']} {dataset['percent']} %: {progress['stage'] or 'waiting'},"
        f" {done} of {chunks['total']} chunks, {images['downloaded']} of {images['found']} images kept"
    )


def report_lines(dataset: dict[str, Any]) -> Iterator[str]:
    """Report the images by outcome, and the errors by source."""
    images, validated = dataset["progress"]["images"], dataset["progress"]["validated"]
    yield f"{images['found']} found, {images['downloaded']} kept"
    for reason, count in sorted(images["rejected"].items(), key=lambda item: -item[1]):
        yield f"{count:>8} rejected: {reason}"
    if validated:
        yield f"{validated['accepted']} of {validated['checked']} accepted ({validated['level']})"
        for check, count in sorted(validated["findings"].items(), key=lambda item: -item[1]):
            yield f"{count:>8} {check}"
    for name, source in dataset["progress"]["sources"].items():
        for error in source["errors"]:
            yield f"{name}: {error['message']} ({error['code']})"
    if dataset["error"]:
        yield dataset["error"]["message"]
