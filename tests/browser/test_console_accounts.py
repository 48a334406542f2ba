"""The console on a server that requires sign-in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from shared.api_key_format import parse_api_key
from shared.models.job import Job
from tests.accounts import PASSWORD, Mailbox
from tests.browser.shelf import AXE, Shelf, address, open_page, violations
from tests.browser.tab import watched_page
from tests.server import Server, eventually, serving

HOOK = "http://127.0.0.1:9/hook"
"""Where nobody listens."""
SPOIL = """(name) => {
  const session = JSON.parse(sessionStorage['clipwise-session']);
  session[name] = 'x';
  sessionStorage['clipwise-session'] = JSON.stringify(session);
}"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    environ = {"AUTH_REQUIRED": "true", "ALLOW_HOSTS": HOOK.split("/")[2]}
    with serving(tmp_path_factory.mktemp("accounts") / "data", **environ) as running:
        yield running


@pytest.fixture(scope="module")
def ann(server: Server) -> dict[str, Any]:
    """A session of somebody with an account."""
    account = sign_up(server, "ann")
    with server.client() as client:
        session: dict[str, Any] = client.post("/v1/auth/login", json=account).json()
    return session


@pytest.fixture(scope="module")
def recipe(shelf: Shelf, ann: dict[str, Any]) -> Job:
    """Her only job."""
    return shelf.add("recipe", owner=ann["user"]["id"])


def sign_up(server: Server, name: str) -> dict[str, str]:
    """Create an account whose address is verified; return its name and password."""
    account = {"username": name, "password": PASSWORD}
    with server.client() as client:
        email = f"{name}@example.com"
        assert client.post("/v1/auth/signup", json=account | {"email": email}).status_code == 202
        (token,) = Mailbox(server.data).tokens("verify", email)
        assert client.post("/v1/auth/verify-email", json={"token": token}).status_code == 200
    return account


def sign_in(page: Page, password: str = PASSWORD, name: str = "ann") -> None:
    page.get_by_label("Username or email address").fill(name)
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


def submit_question(page: Page) -> None:
    page.get_by_label("Ask a question").fill("How are the onions fried?")
    page.keyboard.press("Enter")


def create_group(page: Page) -> None:
    page.get_by_label("Name of the group").fill("Winter")
    page.get_by_role("button", name="Create group").click()


def rename_group(page: Page) -> None:
    page.get_by_text("Edit name and description").click()
    page.get_by_label("Name of the group").fill("Autumn")
    page.get_by_role("button", name="Save").click()


@pytest.mark.parametrize(
    ("path", "act"),
    [
        ("chat", submit_question),
        ("groups/{group}/chat", submit_question),
        ("groups", create_group),
        ("groups/{group}", rename_group),
    ],
    ids=["library", "group's chat", "groups", "group"],
)
def test_a_session_that_ends_in_the_middle_of_work(
    server: Server, ann: dict[str, Any], recipe: Job, page: Page, path: str, act: Callable[[Page], None]
) -> None:
    """Whoever acts on a page of chat or groups after the session has ended signs in and is on that page again."""
    with server.client() as client:
        headers = {"Authorization": f"Bearer {ann['access_token']}"}
        group = client.post("/v1/groups", json={"name": "Cooking"}, headers=headers).json()["id"]
        path = path.format(group=group)
        open_page(page, server, path)
        sign_in(page)
        heading = page.locator("main h1")
        expect(heading).to_have_text(re.compile("Groups|Cooking|Ask"))
        shown = heading.inner_text()
        # What the page loads itself has come, so that it is the act that meets the end of the session.
        expect(page.locator("main form").first).to_be_attached()
        token = page.evaluate("JSON.parse(sessionStorage['clipwise-session']).access_token")
        client.post("/v1/auth/logout", headers={"Authorization": f"Bearer {token}"})
    act(page)
    sign_in(page)
    expect(heading).to_have_text(shown)
    assert address(page) == path
    act(page)
    expect(page.get_by_label("Password")).to_have_count(0)


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


def test_from_sign_up_to_the_account(server: Server, page: Page) -> None:
    """A newcomer creates an account, follows the mail's link, signs in, and finds who they are and what they spent."""
    open_page(page, server, "sign-in")
    page.get_by_role("link", name="Create an account").click()
    page.get_by_label("Username", exact=True).fill("cleo")
    page.get_by_label("Email address").fill("cleo@example.com")
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("heading", name="Check your email")).to_be_visible()
    (token,) = Mailbox(server.data).tokens("verify", "cleo@example.com")
    open_page(page, server, f"verify?token={token}")
    page.get_by_role("button", name="Verify").click()
    expect(page.get_by_text("cleo@example.com is verified.")).to_be_visible()
    page.get_by_role("link", name="Sign in").click()
    sign_in(page, name="cleo")
    page.get_by_role("link", name="cleo", exact=True).click()
    expect(page.locator(".person")).to_contain_text("cleo@example.com verified")
    expect(page.locator(".figures")).to_contain_text("no limit")
    open_page(page, server, f"verify?token={token}")
    page.get_by_role("button", name="Verify").click()
    expect(page.get_by_role("alert")).to_contain_text("token")


def test_a_forgotten_password(server: Server, ann: dict[str, Any], page: Page) -> None:
    """Whoever forgot a password gets a mail, sets another one by its link, and signs in with it."""
    sign_up(server, "dan")
    open_page(page, server, "sign-in")
    page.get_by_role("link", name="Forgot your password?").click()
    expect(page.get_by_role("heading", name="Reset your password")).to_be_visible()
    page.get_by_label("Email address").fill("dan@example.com")
    page.get_by_role("button", name="Send the link").click()
    expect(page.get_by_text("If this address has an account")).to_be_visible()
    (token,) = Mailbox(server.data).tokens("reset", "dan@example.com")
    open_page(page, server, f"reset?token={token}")
    page.get_by_label("New password").fill("another long password")
    page.get_by_role("button", name="Set password").click()
    page.locator("main").get_by_role("link", name="Sign in").click()
    sign_in(page, "another long password", name="dan")
    expect(page.get_by_role("link", name="dan", exact=True)).to_be_visible()


def test_webhooks_from_creation_to_deletion(server: Server, ann: dict[str, Any], page: Page) -> None:
    """A webhook's secret is shown once; its deliveries are listed and replayed; it pauses, and is deleted on demand."""
    open_page(page, server, "account")
    sign_in(page)
    page.get_by_label("URL (https)").fill("http://192.168.0.1/hook")
    page.get_by_role("button", name="Create webhook").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("URL (https)").fill(HOOK)
    page.get_by_label("job cancelled").uncheck()
    page.get_by_role("button", name="Create webhook").click()
    expect(page.locator(".secret code")).to_have_text(re.compile("whsec_.+"))
    row = page.locator(".row").filter(has_text=HOOK)
    expect(row).to_contain_text("job done, job failed")
    page.get_by_role("button", name="I have stored it").click()
    page.get_by_role("button", name=f"Send a test: {HOOK}").click()
    expect(row.locator(".deliveries")).to_contain_text("test")
    page.get_by_role("button", name="Refresh").click()
    page.get_by_role("button", name=re.compile("^Replay: test")).click()
    expect(page.locator("#announcement")).to_have_text("The delivery is sent again.")
    page.get_by_role("button", name=f"Pause: {HOOK}").click()
    expect(row.locator(".badge").first).to_have_text("Paused")
    page.reload()
    expect(page.locator(".secret")).to_have_count(0)
    expect(row).to_be_visible()
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name=f"Delete: {HOOK}").click()
    expect(row).to_have_count(0)


def test_a_key_from_creation_to_revocation(server: Server, ann: dict[str, Any], page: Page) -> None:
    """A key is shown once, copied, and works; the list says what it may do and when it was used; it ends at once."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_page(page, server, "account")
    sign_in(page)
    page.get_by_label("Name of the key").fill("<b>Phone</b>")
    page.get_by_label("read, search and ask questions").uncheck()
    page.get_by_role("button", name="Create key").click()
    expect(page.get_by_role("alert")).to_contain_text("at least one")
    page.get_by_label("read, search and ask questions").check()
    page.get_by_label("Expires").select_option("in 30 days")
    page.get_by_role("button", name="Create key").click()
    expect(page.locator(".secret code")).to_have_text(re.compile("^clipwise_"))
    key = page.locator(".secret code").inner_text()
    assert parse_api_key(key)
    page.get_by_role("button", name="Copy").click()
    expect(page.locator("#announcement")).to_have_text("The secret was copied.")
    assert page.evaluate("navigator.clipboard.readText()") == key
    row = page.locator(".row").filter(has_text="<b>Phone</b>")
    expect(row).to_contain_text("not used yet")
    expect(row).to_contain_text("read, search and ask questions")
    with server.client() as client:
        headers = {"Authorization": f"Bearer {key}"}
        assert client.get("/v1/jobs", headers=headers).status_code == 200
        page.reload()
        expect(page.locator(".secret")).to_have_count(0)
        expect(row).to_contain_text("last used")
        page.once("dialog", lambda dialog: dialog.accept())
        page.get_by_role("button", name="Revoke: <b>Phone</b>").click()
        expect(row).to_have_count(0)
        assert client.get("/v1/jobs", headers=headers).json()["code"] == "key_invalid"


def test_everything_is_deleted_once_the_name_is_typed(server: Server, page: Page) -> None:
    """No slip deletes an account: only its typed name does, and then neither it nor its jobs are left."""
    sign_up(server, "eve")
    open_page(page, server, "account")
    sign_in(page, name="eve")
    button = page.get_by_role("button", name="Delete account and data")
    page.get_by_label("To confirm, type “eve”").fill("ev")
    expect(button).to_be_disabled()
    page.get_by_label("To confirm, type “eve”").fill("eve")
    button.click()
    expect(page.get_by_label("Password")).to_be_visible()
    sign_in(page, name="eve")
    expect(page.get_by_role("alert")).to_contain_text("wrong")


def test_an_old_session_needs_the_password_to_delete(server: Server, page: Page) -> None:
    """Who signed in long ago enters the password first, in the same form."""
    sign_up(server, "finn")
    open_page(page, server, "account")
    sign_in(page, name="finn")
    refusals = [{"code": "login_again", "detail": "Sign in again first.", "status": 403, "title": "Forbidden"}]

    def refuse_once(route: Route) -> None:
        if route.request.method == "DELETE" and refusals:
            route.fulfill(status=403, json=refusals.pop())
        else:
            route.continue_()

    page.route(re.compile("/v1/auth/me$"), refuse_once)
    page.get_by_label("To confirm, type “finn”").fill("finn")
    page.get_by_role("button", name="Delete account and data").click()
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Delete account and data").click()
    expect(page.get_by_role("button", name="Use an access token")).to_be_visible()


def test_the_account_page_is_accessible(server: Server, ann: dict[str, Any], chromium: Browser) -> None:
    """With a person, webhooks and the form that deletes all, axe objects to nothing, and a phone shows all of it."""
    if not AXE.exists():
        pytest.skip("axe is not installed; run `make browser-deps`, which needs npm")
    with watched_page(chromium, reduced_motion="reduce", viewport={"width": 360, "height": 740}) as page:
        open_page(page, server, "account")
        sign_in(page)
        expect(page.get_by_role("heading", name="Delete everything")).to_be_visible()
        page.get_by_label("Name of the key").fill("Phone")
        page.get_by_role("button", name="Create key").click()
        expect(page.locator(".secret code")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of its schemes
            assert violations(page) == []


def test_a_shared_link_survives_signing_in(server: Server, ann: dict[str, Any], page: Page) -> None:
    """Who has to sign in first finds a shared link afterwards; text that is no link to a web page is dropped."""
    link = "https://videos.example/watch?v=1&t=2"
    open_page(page, server, f"new?link={quote(f'javascript:alert(1) {link} file:///etc/passwd')}")
    sign_in(page)
    expect(page.get_by_label("Or paste links")).to_have_value(link)
    assert address(page) == "new"
