"""Signatures that others' libraries verify."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from shared.webhooks.security import format_secret, signature_headers
from tests.unit.webhooks.verifying import example, verify

# The example that the libraries of Standard Webhooks test themselves with.
SECRET = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
ID, AT, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_standard_s_own_example() -> None:
    """The same secret, id, time and body give the signature that the standard's libraries expect."""
    headers = signature_headers([SECRET], ID, datetime.fromtimestamp(AT, UTC), BODY)

    assert headers == {"webhook-id": ID, "webhook-timestamp": str(AT), "webhook-signature": SIGNATURE}
    assert format_secret(SECRET) == "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@given(secret=st.binary(min_size=24, max_size=64), body=st.binary(max_size=200))
def test_what_is_signed_verifies_and_nothing_else_does(secret: bytes, body: bytes) -> None:
    """The documented example takes every message of ours, and none with another body, id, time or secret."""
    headers = signature_headers([secret], ID, datetime.fromtimestamp(AT, UTC), body)
    shown = format_secret(secret)

    assert verify(shown, headers, body, now=AT)
    assert not verify(shown, headers, body + b"x", now=AT)
    assert not verify(shown, headers | {"webhook-id": "msg_0"}, body, now=AT)
    assert not verify(shown, headers | {"webhook-timestamp": str(AT + 1)}, body, now=AT)
    assert not verify(format_secret(secret + b"x"), headers, body, now=AT)
    assert not verify(shown, headers, body, now=AT + 301)


@given(secrets=st.lists(st.binary(min_size=24, max_size=64), min_size=1, max_size=4), text=st.text(max_size=200))
def test_the_library_of_the_standard_verifies_our_messages(secrets: list[bytes], text: str) -> None:
    """A receiver with Standard Webhooks' own library accepts all our messages, and none that was changed or is old."""
    now, body = datetime.now(UTC), json.dumps(text)
    headers = signature_headers(secrets, ID, now, body.encode())
    old = signature_headers(secrets, ID, now - timedelta(minutes=6), body.encode())

    for secret in secrets:
        receiver = Webhook(format_secret(secret))
        assert receiver.verify(body, headers) == text
        for other_body, other_headers in (f"{body} ", headers), (body, old), (body, headers | {"webhook-id": "x"}):
            with pytest.raises(WebhookVerificationError):
                receiver.verify(other_body, other_headers)


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed; run `make program-deps` as root")
def test_the_example_in_javascript() -> None:
    """The JavaScript in the documentation takes our messages and refuses others."""
    body = '{"type":"job.done","data":{"name":"Käse"}}'
    headers = signature_headers([SECRET], ID, datetime.now(UTC), body.encode())
    old = signature_headers([SECRET], ID, datetime.fromtimestamp(AT, UTC), body.encode())
    two = headers | {"webhook-signature": f"v1a,abc {headers['webhook-signature']}"}
    cases = [(headers, body), (two, body), (headers, body + " "), (old, body)]
    asked = json.dumps([[format_secret(SECRET), *case] for case in cases])
    script = example("javascript") + (
        f"const cases = {asked};"
        "const judged = cases.map(([secret, headers, body]) => verify(secret, headers, Buffer.from(body)));"
        "console.log(JSON.stringify(judged));"
    )
    told = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True)

    assert json.loads(told.stdout) == [True, True, False, False]
