"""Signed links: good for exactly what they were made for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import clock
from shared.errors import PermanentError
from shared.platform.embedded.signing import sign_link, verify_link

KEY = b"secret"
LATER = int(clock.now().timestamp()) + 3600
TEXT = st.text(max_size=20)
GRANTS = st.tuples(st.sampled_from(["GET", "PUT"]), TEXT, st.integers(LATER, LATER + 10), st.none() | TEXT)


@given(grant=GRANTS, other=GRANTS)
def test_a_signature_fits_its_own_grant_and_no_other(
    grant: tuple[str, str, int, str | None], other: tuple[str, str, int, str | None]
) -> None:
    """Moving characters between a link's parts, or changing any, breaks it."""
    signature = sign_link(KEY, *grant)
    method, path, expires, filename = other
    if grant == other:
        verify_link(KEY, method, path, str(expires), filename, signature)
    else:
        with pytest.raises(PermanentError, match="not valid"):
            verify_link(KEY, method, path, str(expires), filename, signature)


def test_a_link_ends_at_its_time() -> None:
    """A link of yesterday is refused, and says why."""
    past = int(clock.now().timestamp()) - 1
    with pytest.raises(PermanentError) as caught:
        verify_link(KEY, "GET", "/a", str(past), None, sign_link(KEY, "GET", "/a", past))
    assert caught.value.code == "link_expired"


@pytest.mark.parametrize("expires", ["", "x", "-1", "1e9", "9" * 5000, "٣"])
@pytest.mark.parametrize("signature", ["", "x", "é", "\ud800", "A" * 43])
def test_a_made_up_link_is_invalid(expires: str, signature: str) -> None:
    """Whatever someone puts into a link, the answer is a clear refusal."""
    with pytest.raises(PermanentError) as caught:
        verify_link(KEY, "GET", "/a", expires, None, signature)
    assert caught.value.code == "link_invalid"


def test_another_key_signs_other_links() -> None:
    """A link of another installation opens nothing here."""
    with pytest.raises(PermanentError) as caught:
        verify_link(KEY, "GET", "/a", str(LATER), None, sign_link(b"other", "GET", "/a", LATER))
    assert caught.value.code == "link_invalid"
