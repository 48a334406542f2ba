"""The documents agree with the code, and their links lead somewhere."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from infra.reference import DOCS, PAGES, fill_tables
from shared.wiring import wiring

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"!?\[[^]]*\]\(([^)\s]+)\)")
TREE = ("functions/", "shared/", "infra/", "terraform/", "tests/", "benchmarks/", "docs/", ".ci/", ".github/")


def markdown_files() -> list[str]:
    """Every Markdown file of the repository."""
    files = [*ROOT.glob("*.md"), *(path for folder in TREE for path in (ROOT / folder).rglob("*.md"))]
    names = (path.relative_to(ROOT) for path in files)
    return sorted(str(name) for name in names if not {"node_modules", ".terraform"} & set(name.parts))


def prose(path: Path) -> str:
    """The text without fenced blocks."""
    return re.sub(r"^ *```.*?^ *```$", "", path.read_text(encoding="utf-8"), flags=re.S | re.M)


def anchors(path: Path) -> set[str]:
    """The fragments that GitHub makes of a page's headings."""
    headings = re.findall(r"^#+ +(.+?) *$", prose(path), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def problem_of(link: str, page: Path) -> str | None:
    """Why the link leads nowhere; None for a good one and for another site's."""
    if re.match(r"[a-z]+:", link):
        return None
    name, _, fragment = link.partition("#")
    target = page.parent / name if name else page
    if not target.exists():
        return f"{link}: there is no such file"
    if fragment and fragment not in anchors(target):
        return f"{link}: there is no such heading"
    return None


@pytest.mark.parametrize("page", PAGES)
def test_the_tables_follow_from_the_code(page: str) -> None:
    """A reader of the tables of functions, settings and rights reads what is deployed and configured."""
    text = (DOCS / page).read_text(encoding="utf-8")
    assert text == fill_tables(page, text), "run: python -m infra.reference"


@pytest.mark.parametrize("name", markdown_files())
def test_every_link_leads_somewhere(name: str) -> None:
    """A reader who follows a link within the repository arrives at an existing file and heading."""
    page = ROOT / name
    problems = [problem for link in LINK.findall(prose(page)) if (problem := problem_of(link, page))]
    assert problems == []


@pytest.mark.parametrize(
    ("link", "problem"),
    [
        ("https://example.com/missing", None),
        ("README.md#clipwise-documentation", None),
        ("missing.md", "missing.md: there is no such file"),
        ("README.md#missing", "README.md#missing: there is no such heading"),
        ("#missing", "#missing: there is no such heading"),
    ],
)
def test_a_dead_link_is_noticed(link: str, problem: str | None) -> None:
    """A page or heading that was renamed does not leave dead links behind."""
    assert problem_of(link, DOCS / "README.md") == problem


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "docs/architecture.md", "docs/development.md"])
def test_every_path_named_to_contributors_exists(name: str) -> None:
    """A newcomer who follows the guides opens files that are there, under the names they are given."""
    code = re.findall(r"`([^`\s]+)`", prose(ROOT / name))
    paths = [path for path in code if path.startswith(TREE) and not re.search(r"[<>{…]|NAME", path)]
    assert paths
    assert [path for path in paths if not list(ROOT.glob(path))] == []


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "docs/architecture.md"])
def test_every_name_is_where_contributors_are_sent(name: str) -> None:
    """A newcomer finds each function, class and table in the file that the guide names for it."""
    places = re.findall(r"`(\w+)`(?:\s+and\s+`(\w+)`)?\s+(?:in|of)\s+`([\w/]+\.\w+)`", prose(ROOT / name))
    pairs = [(word, path) for first, second, path in places for word in (first, second) if word]
    assert pairs
    assert [
        pair for pair in pairs if not re.search(rf"\b{pair[0]}\b", (ROOT / pair[1]).read_text(encoding="utf-8"))
    ] == []


def test_every_page_is_in_the_index() -> None:
    """A reader of the index finds each page of the manual."""
    linked = set(LINK.findall(prose(DOCS / "README.md")))
    assert {page.name for page in DOCS.glob("*.md")} - {"README.md"} <= linked


def test_the_readme_stays_short() -> None:
    """A stranger reads the README in a few minutes, and its picture loads at once."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    assert len(text.split()) <= 1000
    assert (DOCS / "images" / "demo.png").stat().st_size <= 150_000


def test_each_dependency_is_explained() -> None:
    """Every required package is listed with its reason and licence."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    required = set(project["dependencies"]).union(*project["optional-dependencies"].values())
    names = {name.split(">")[0].split("[")[0].split(";")[0].strip() for name in required} - {"clipwise"}
    text = (DOCS / "dependencies.md").read_text(encoding="utf-8")
    missing = sorted(name for name in names if f"| `{name}`" not in text)
    assert not missing


def test_each_function_of_the_table_is_there() -> None:
    """The table of the wiring names the functions that exist, and no others."""
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/main.py")}
    assert folders == set(wiring().functions)


def test_what_a_function_sets_off_is_listened_to() -> None:
    """No function publishes into the void, and no stage waits for an event that nobody sends."""
    table = wiring()
    sent = {target for row in table.functions.values() for target in row.publishes}
    scheduled = {row.trigger.topic for row in table.functions.values() if row.trigger.every_minutes}
    heard = {row.trigger.topic or row.trigger.bucket for row in table.functions.values()} - {None}
    from_outside = {row.trigger.bucket for row in table.functions.values() if row.optional}
    assert heard == sent | scheduled | from_outside
