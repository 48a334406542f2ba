"""The console as the API serves it: to whom, with which policy, and for how long browsers keep it."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from urllib.parse import quote

import pytest

from functions.api.pages import html_response
from functions.api.routes.console import (
    FIRESTORE,
    FOLDER,
    PAGE,
    console_page,
    console_paths,
    console_policy,
    firestore_config,
    firestore_origin,
)
from infra.packaging.package import served_files, source_files
from infra.reference import UNITS, units_module
from shared.ai.offline.speech import MODEL_FILES
from shared.settings import settings
from tests.api_site import Site

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
POLICY = "content-security-policy"


def page_addresses(html: str) -> set[str]:
    return set(re.findall(r'"(\./[^"]+)"', html))


def test_browsers_get_the_console_and_programs_the_message(site: Site) -> None:
    """The same address serves people and programs; caches keep the two apart."""
    page = site.client.get("/", headers=BROWSER)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "Accept" in page.headers["vary"]
    for accept in ("*/*", "application/json", "application/json, text/html", ""):
        answer = site.client.get("/", headers={"Accept": accept})
        assert answer.json()["message"]
        assert "Accept" in answer.headers["vary"]


def test_the_console_is_for_everyone_and_holds_nobodys_data(site: Site) -> None:
    """Where sign-in is required, its page and files come without a token: the data comes when somebody signs in."""
    site.submit(title="Secret soup")
    site.configure(AUTH_REQUIRED="true", RATE_LIMIT_GENERAL="1/minute")
    for path in ["/", *(f"/{address}" for address in page_addresses(site.client.get("/", headers=BROWSER).text))]:
        answer = site.client.get(path, headers=BROWSER)
        assert answer.status_code == 200, path
        assert "Secret soup" not in answer.text


def test_the_policy_allows_its_own_files_only(site: Site) -> None:
    """No inline script but the list of libraries, no inline style, no other host, no markup made from text."""
    answer = site.client.get("/", headers=BROWSER)
    policy = dict(part.split(" ", 1) for part in answer.headers[POLICY].split("; "))
    own = f"'self' {site.url}"
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert re.fullmatch(r"'self' 'sha256-[\w+/]{43}='", policy["script-src"])
    assert policy["style-src"] == "'self'"
    assert policy["connect-src"] == own
    assert policy["img-src"] == policy["media-src"] == f"{own} blob:"
    assert policy["require-trusted-types-for"] == "'script'"
    assert policy["trusted-types"] == "'none'"
    assert answer.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(("host", "origin"), [("", "https://storage.googleapis.com"), ("http://h:9", "http://h:9")])
def test_the_policy_allows_the_buckets(site: Site, monkeypatch: pytest.MonkeyPatch, host: str, origin: str) -> None:
    """In the cloud, pictures, videos and uploads go to Cloud Storage or its emulator."""
    site.configure(CLIPWISE_PLACE="gcp")
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", host)
    assert f"connect-src 'self' {origin};" in console_page().headers[POLICY]


def test_files_are_kept_until_they_change(site: Site) -> None:
    """A versioned address is kept for good; another one is asked for again, and answered without a body."""
    addresses = page_addresses(site.client.get("/", headers=BROWSER).text)
    (script,) = (address for address in addresses if address.endswith("/app.js"))
    answer = site.client.get(f"/{script}")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    answer = site.client.get("/web/app.js")
    assert answer.headers["cache-control"] == "no-cache"
    again = site.client.get("/web/app.js", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    for path in ("/web/0123456789ab/app.js", "/web/package.json", "/web/../pyproject.toml", "/web/%2e%2e/LICENSE"):
        assert site.client.get(path).status_code == 404, path


def test_files_are_sent_compressed(site: Site) -> None:
    """A browser gets a fifth of the bytes, and a client that cannot decompress gets them as they are."""
    with site.client.stream("GET", "/web/style.css", headers={"Accept-Encoding": "gzip"}) as answer:
        compressed = b"".join(answer.iter_raw())
    plain = site.client.get("/web/style.css", headers={"Accept-Encoding": "identity"})
    assert gzip.decompress(compressed) == plain.content == (FOLDER / "style.css").read_bytes()
    assert "Accept-Encoding" in plain.headers["vary"]


def test_another_name_of_this_machine_leads_to_the_one_of_its_links(site: Site) -> None:
    """On localhost, where links to pictures go to 127.0.0.1, the console opens under that name."""
    port = site.url.rpartition(":")[2]
    answer = site.client.get("/", headers=BROWSER | {"Host": f"localhost:{port}"})
    assert (answer.status_code, answer.headers["location"]) == (307, f"{site.url}/")
    for host in (f"box:{port}", "localhost:1", f"localhost:{port}x"):
        assert site.client.get("/", headers=BROWSER | {"Host": host}).status_code == 200


def test_capabilities_follow_the_configuration(site: Site, tmp_path: Path) -> None:
    """The console learns whether to show a sign-in form, and what a key would add."""
    site.configure(AI_PROVIDER="auto", GEMINI_API_KEY="", OPENAI_API_KEY="", SPEECH_MODEL="off")
    nothing = site.client.get("/v1/capabilities").json()
    limits = {name: nothing.pop(name) for name in ("maxFileSizeMb", "maxVideoDurationSec", "maxSpeechDurationSec")}
    assert nothing == {
        "signIn": False,
        "localAccounts": True,
        "speech": None,
        "ai": None,
        "firestore": None,
        "chat": None,
    }
    site.configure(AUTH_REQUIRED="true", OPENAI_API_KEY="sk-x")
    assert site.client.get("/v1/capabilities").json() == {
        "signIn": True,
        "localAccounts": True,
        "speech": "openai",
        "ai": "openai",
        "firestore": None,
        "chat": "openai",
        **limits,
    }
    site.configure(AI_PROVIDER="offline", WHISPER_MODEL_DIR=str(tmp_path / "small"))
    assert site.client.get("/v1/capabilities").json()["speech"] is None
    (tmp_path / "small").mkdir()
    for name in MODEL_FILES:
        (tmp_path / "small" / name).touch()
    assert site.client.get("/v1/capabilities").json()["speech"] == "small"


@pytest.mark.parametrize(
    ("environ", "origin"),
    [
        ({"FIREBASE_API_KEY": "key"}, "https://firestore.googleapis.com"),
        ({"FIRESTORE_EMULATOR_HOST": "127.0.0.1:9", "IDENTITY": "local"}, "http://127.0.0.1:9"),
        ({"FIREBASE_API_KEY": "key", "IDENTITY": "local"}, ""),
        ({"FIREBASE_API_KEY": "key", "CLIPWISE_PLACE": "embedded"}, ""),
    ],
)
def test_browsers_listen_to_firestore_where_it_knows_them(
    site: Site, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], origin: str
) -> None:
    """Where users are Firebase's, or on the emulator, the console gets Firestore's address and may connect to it."""
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", environ.pop("FIRESTORE_EMULATOR_HOST", ""))
    site.configure(**{"CLIPWISE_PLACE": "gcp", "GOOGLE_CLOUD_PROJECT": "kitchen", "IDENTITY": "", **environ})
    config = firestore_config(settings())
    assert firestore_origin() == origin
    assert (config.project_id if config else "") == ("kitchen" if origin else "")
    assert (f" {origin};" if origin else "'self' ") in console_page().headers[POLICY]


def test_the_console_is_packed_with_the_function() -> None:
    """The deployed function has all files of the console, and nothing of what npm installs beside them."""
    assert set(console_paths()) == served_files("api") <= source_files("api")
    assert served_files("persist") == set()


def test_every_file_that_the_page_preloads_exists() -> None:
    """A renamed module does not leave a request for nothing in every first view."""
    names = page_addresses((FOLDER / PAGE).read_text(encoding="utf-8"))
    assert names <= {f"./{path.relative_to(FOLDER).as_posix()}" for path in console_paths()}


def test_units_are_those_of_the_exports() -> None:
    """A recipe names its units on the page as in its exports."""
    assert UNITS.read_text(encoding="utf-8") == units_module(), "run: python -m infra.reference"


def test_static_hosting_has_the_same_policy() -> None:
    """Files that Firebase Hosting serves come with the policy that the API sends with them."""
    hosting = json.loads((FOLDER / "firebase.json").read_text(encoding="utf-8"))["hosting"]
    headers = {header["key"]: header["value"] for header in hosting["headers"][0]["headers"]}
    page = (FOLDER / PAGE).read_text(encoding="utf-8")
    policy = console_policy("https://storage.googleapis.com", FIRESTORE)
    assert headers["Content-Security-Policy"] == html_response(page, policy).headers[POLICY]


def test_vendored_libraries_are_those_of_the_lock() -> None:
    """The copies that browsers get are, byte for byte, what npm installs by the lock file's hashes."""
    installed = FOLDER / "node_modules"
    if not (installed / ".package-lock.json").exists():
        pytest.skip("the console's libraries are not installed; run `make browser-deps`, which needs npm")
    command = json.loads((FOLDER / "package.json").read_text(encoding="utf-8"))["scripts"]["vendor"]
    copies = re.findall(r"cp (\S+) (vendor/\S+)", command)
    assert {Path(copy).name for _, copy in copies} == {path.name for path in (FOLDER / "vendor").iterdir()}
    locked = json.loads((FOLDER / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    present = json.loads((installed / ".package-lock.json").read_text(encoding="utf-8"))["packages"]
    for original, copy in copies:
        package = f"node_modules/{original.split('/')[1]}"
        assert present[package]["integrity"] == locked[package]["integrity"]
        assert (FOLDER / original).read_bytes() == (FOLDER / copy).read_bytes(), copy


def test_the_console_may_upload_to_the_buckets(site: Site) -> None:
    """The storage lets the page of this server send its files; a page that FRONTEND_URL does not name may not."""
    wish = {"content_type": "video/mp4", "size": 9}
    for origin, allowed in ((site.url, site.url), ("https://app.example", "https://app.example")):
        ticket = site.client.post("/v1/uploads", json=wish | {"kind": "metadata"}, headers={"Origin": origin}).json()
        preflight = {"Origin": origin, "Access-Control-Request-Method": "PUT"}
        answer = site.client.options(ticket["upload_url"], headers=preflight)
        assert answer.headers["access-control-allow-origin"] == allowed
    refused = site.client.post(
        "/v1/uploads", json=wish | {"kind": "metadata"}, headers={"Origin": "https://evil.example"}
    )
    assert refused.json()["code"] == "foreign_page"


@pytest.mark.parametrize(
    ("query", "link"),
    [
        ("url=https://a.example/v?x=1%262", "https://a.example/v?x=1&2"),
        ("text=Look:%20https://a.example/v%20now.", "https://a.example/v"),
        (
            "title=https://a.example/1&text=https://a.example/2,&url=https://a.example/1",
            "https://a.example/1\nhttps://a.example/2",
        ),
        ("text=javascript:alert(1)%20file:///x", None),
        ("url=HTTPS://A.example/%0aSet-Cookie:x", "HTTPS://A.example/"),
        (f"url=https://a.example/{'x' * 3000}", None),
        ("", None),
    ],
)
def test_shared_links_move_behind_the_hash(site: Site, query: str, link: str | None) -> None:
    """The share target leads to the New page with the web links in the fragment, which no server sees again."""
    answer = site.client.get(f"/share?{query}")
    fragment = f"?link={quote(link, safe='')}" if link else ""
    assert (answer.status_code, answer.headers["location"]) == (303, f"./#/new{fragment}")
    assert answer.headers["cache-control"] == "no-store"


def test_the_manifest_is_served_beside_the_page(site: Site) -> None:
    """An installed console starts where the page is, and its manifest has the right type and is asked for again."""
    answer = site.client.get("/manifest.webmanifest")
    assert answer.headers["content-type"] == "application/manifest+json"
    assert answer.headers["cache-control"] == "no-cache"
    manifest = answer.json()
    assert (manifest["lang"], manifest["start_url"], manifest["scope"]) == ("en", "./", "./")
    assert manifest["share_target"]["method"] == "GET"
    hosting = json.loads((FOLDER / "firebase.json").read_text(encoding="utf-8"))["hosting"]
    assert {"/share", "/web/**"} <= {rewrite["source"] for rewrite in hosting["rewrites"]}
    assert "manifest-src 'self'" in site.client.get("/", headers=BROWSER).headers[POLICY]
