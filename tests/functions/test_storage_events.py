"""How an object that was finalized reaches the function, in each place."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from cloudevents.http import CloudEvent
from functions_framework import create_app

from shared.models.events import StoredObject, object_of

STORED = {"bucket": "p-uploads", "name": "j/source", "generation": "1", "contentType": "video/mp4"}


def event(kind: str, data: Any) -> CloudEvent:
    return CloudEvent({"type": kind, "source": "//storage", "id": "1"}, data)


def pushed(body: str) -> dict[str, Any]:
    message = {"data": base64.b64encode(body.encode()).decode(), "attributes": {"eventType": "OBJECT_FINALIZE"}}
    return {"subscription": "projects/p/subscriptions/extract", "message": message}


@pytest.mark.parametrize("data", [STORED, pushed(json.dumps(STORED))], ids=["event", "notification"])
def test_an_upload_is_found_however_its_event_comes(data: dict[str, Any]) -> None:
    """A video is taken whether storage's event comes as itself or as a notification that Pub/Sub pushes."""
    assert object_of(event("any", data)) == StoredObject("p-uploads", "j/source", 1)


@pytest.mark.parametrize("data", [None, {}, pushed("{}"), pushed("[]"), pushed("not JSON"), {"message": None}])
def test_what_names_no_object_is_refused(data: Any) -> None:
    """An event that names no object is not taken for one, so that it ends among the dead letters."""
    with pytest.raises(ValueError, match="event 1"):
        object_of(event("any", data))


def test_a_function_without_a_trigger_takes_what_is_pushed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deployed for calls over HTTP, as terraform/ does it, a function gets a pushed message as an event."""
    source = tmp_path / "listening_main.py"
    source.write_text(
        "import functions_framework\n"
        "got = []\n"
        "@functions_framework.cloud_event\n"
        "def listener(event):\n"
        "    got.append((event['source'], event['id'], event.data['message']['attributes']))\n"
        "    open(__file__ + '.got', 'w').write(repr(got))\n"
    )
    monkeypatch.setenv("FUNCTION_TARGET", "listener")
    monkeypatch.setattr(sys, "path", [*sys.path])
    topic = "projects/p/topics/uploads-finalized"
    body = pushed(json.dumps(STORED))
    body["message"] |= {"messageId": "7", "publishTime": "2026-01-01T00:00:00Z"}
    answer = create_app("listener", str(source), "http").test_client().post(f"/{topic}", json=body)
    assert answer.status_code == 200
    got = [(f"//pubsub.googleapis.com/{topic}", "7", {"eventType": "OBJECT_FINALIZE"})]
    assert (tmp_path / "listening_main.py.got").read_text() == repr(got)
