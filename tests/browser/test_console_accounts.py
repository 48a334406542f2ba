"""The console on a server that requires sign-in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from shared.models.job import Job
from tests.accounts import PASSWORD, Mailbox
from tests.browser.shelf import Shelf, address, open_page
from tests.server import Server, eventually, serving
from tests.video_samples import plain_video

SPOIL = """(name) => {
  const session = JSON.parse(sessionStorage['clipwise-session']);
  session[name] = 'x';
  sessionStorage['clipwise-session'] = JSON.stringify(session);
}"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("accounts") / "data", AUTH_REQUIRED="true") as running:
        yield running


@pytest.fixture(scope="module")
def ann(server: Server) -> dict[str, Any]:
    """A session of somebody with an account."""
    with server.client() as client:
        account = {"username": "ann", "password": PASSWORD}
        assert client.post("/v1/auth/signup", json=account | {"email": "ann@example.com"}).status_code == 202
        (token,) = Mailbox(server.data).tokens("verify", "ann@example.com")
        assert client.post("/v1/auth/verify-email", json={"token": token}).status_code == 200
        session: dict[str, Any] = client.post("/v1/auth/login", json=account).json()
    return session


@pytest.fixture(scope="module")
def recipe(server: Server, ann: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Job]:
    """Her only job."""
    shelf = Shelf(server, plain_video(tmp_path_factory.mktemp("video") / "film.mp4").read_bytes())
    yield shelf.add("recipe", owner=ann["user"]["id"])
    shelf.close()


def sign_in(page: Page, password: str = PASSWORD) -> None:
    page.get_by_label("Username or email address").fill("ann")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def test_signing_in_and_out(server: Server, recipe: Job, page: Page) -> None:
    """A link leads to its page once its owner has signed in; pictures and video show; signing out hides all of it."""
    open_page(page, server, f"recipes/{recipe.id}")
    sign_in(page, "wrong password")
    expect(page.get_by_role("alert")).to_contain_text("wrong")
    sign_in(page)
    expect(page.get_by_role("heading", name="Onion soup")).to_be_visible()
    page.get_by_role("button", name="Play from 0:01").click()
    eventually(lambda: page.evaluate("document.querySelector('video').currentTime") >= 1)
    page.get_by_role("link", name="Library", exact=True).click()
    picture = page.locator(".tile img")
    expect(picture).to_be_visible()
    assert "/storage/" in str(picture.get_attribute("src"))
    assert page.evaluate("JSON.stringify([document.cookie, localStorage['clipwise-session']])") == '["",null]'
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Password")).to_be_visible()
    expect(page.get_by_text("Onion soup")).to_have_count(0)


def test_a_session_that_ends(server: Server, ann: dict[str, Any], recipe: Job, page: Page) -> None:
    """An expired access token is replaced unnoticed; where it cannot be, the form appears, and then the same page."""
    open_page(page, server)
    sign_in(page)
    expect(page.get_by_role("link", name="Onion soup")).to_be_visible()
    page.evaluate(SPOIL, "access_token")
    page.reload()
    page.get_by_role("link", name="Onion soup").click()
    expect(page.get_by_role("heading", name="Ingredients")).to_be_visible()
    for name in ("access_token", "refresh_token"):
        page.evaluate(SPOIL, name)
    page.reload()
    sign_in(page)
    expect(page.get_by_role("heading", name="Ingredients")).to_be_visible()
    assert address(page) == f"recipes/{recipe.id}"


def test_a_token_from_elsewhere(server: Server, ann: dict[str, Any], recipe: Job, page: Page) -> None:
    """Whoever has no password here, as with Firebase, signs in with a token; a wrong one is refused with a sentence."""
    open_page(page, server)
    page.get_by_role("button", name="Use an access token").click()
    page.get_by_label("Access token").fill("nonsense")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("token")
    page.get_by_label("Access token").fill(ann["access_token"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("link", name="Onion soup")).to_be_visible()
