"""Recipes as Markdown and as a page."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt

from shared.analyses.recipe import Ingredient, Recipe
from shared.exports.markup import PAGE_POLICY, safe_url
from shared.exports.recipe import recipe_markdown, recipe_page
from tests.unit.exports.samples import EVIL, HOSTILE, SOUP

VOID = {"meta", "img"}


class Reader(HTMLParser):
    """Collects the tags, attributes and texts of a page, and checks that its elements are closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"] and data.strip():
            self.texts.append(data.strip())


def test_markdown() -> None:
    """A recipe reads well as plain Markdown, in its own language."""
    assert recipe_markdown(SOUP) == (
        "# Kürbissuppe\n\nSamtig und schnell.\n\n"
        "**Portionen:** 4 · **Vorbereitung:** 15 Min. · **Garzeit:** 30 Min. · **Gesamt:** 1 Std. 30,5 Min. · leicht · "
        "Österreich\n\n"
        "## Zutaten\n\n- 1,5 kg Kürbis\n- 2 Zwiebeln, fein gehackt\n- 1½ TL Ingwer\n- 2–3 Zehen Knoblauch\n- Salz\n\n"
        "### Zum Bestreuen\n\n- 1 Handvoll Kürbiskerne\n\n"
        "## Zubereitung\n\n1. Kürbis würfeln.\n2. Kochen und pürieren.\n\n"
        "## Küchengeräte\n\n- Stabmixer\n\n## Nährwerte\n\n- 320 kcal\n- 6,5 g Eiweiß\n\n"
        "## Hinweise\n\n- Vom Bildschirm gelesen.\n\n"
        "Von: Küchenfee\n\nQuelle: <https://example.com/suppe?a=1&b=2>\n"
    )


@pytest.mark.parametrize("text", [EVIL, "1. x", "- x", "2) x", "+ x", "= x", "> x", "a\\", "`x`", "&lt;b&gt;", "~~x~~"])
def test_no_text_is_taken_for_markdown(text: str) -> None:
    """Whatever a stranger wrote, a reader of the Markdown sees these words, and no link, picture or markup."""
    recipe = Recipe(title=text, ingredients=[Ingredient(name=text)], notes=[text])
    tokens = MarkdownIt().enable("strikethrough").parse(recipe_markdown(recipe))
    inline = [token for token in tokens if token.type == "inline"]
    parts = [part for token in inline for part in token.children or []]
    words = " ".join(text.replace("\u202e", "").replace("\x00", "").split())

    assert {part.type for part in parts} <= {"text", "text_special"}
    visible_texts = ["".join(part.content for part in token.children or []) for token in inline]
    assert visible_texts == [words, "Ingredients", words, "Notes", words]


@pytest.mark.parametrize(
    ("recipe", "headings"),
    [
        (SOUP, ["Zutaten", "Zubereitung", "Küchengeräte", "Nährwerte", "Hinweise"]),
        (SOUP.model_copy(update={"language": "ru"}), ["Ингредиенты", "Приготовление", "Посуда и техника"]),
        (SOUP.model_copy(update={"language": None}), ["Ingredients", "Preparation", "Equipment", "Nutrition", "Notes"]),
    ],
)
def test_the_page_has_everything_in_it(recipe: Recipe, headings: list[str]) -> None:
    """The page tells the whole recipe in its language, with its picture inside, and asks nothing of the network."""
    read = Reader(recipe_page(recipe, b"picture"))

    for text in ("Kürbissuppe", "Zwiebeln, fein gehackt", "Zum Bestreuen", "Kürbis würfeln.", *headings):
        assert text in read.texts
    sources = [attributes.get("src") for tag, attributes in read.tags if tag == "img"]
    assert sources == [f"data:image/jpeg;base64,{b64encode(b'picture').decode()}"]
    links = [attributes.get("href") for tag, attributes in read.tags if "href" in attributes]
    assert links == ["https://example.com/suppe?a=1&b=2"]


def test_no_text_is_taken_for_html() -> None:
    """A title or an address that is written to run a script is shown as the words that it is."""
    read = Reader(recipe_page(HOSTILE, None))
    plain = Reader(recipe_page(SOUP, None))

    assert {tag for tag, _ in read.tags} <= {tag for tag, _ in plain.tags}
    names = {name for _, attributes in read.tags for name in attributes}
    assert names <= {"lang", "charset", "name", "content", "class", "href", "rel", "dir"}
    assert "<script>alert(1)</script> [x](javascript:x)" in " ".join(read.texts)


def test_the_policy_lets_the_own_style_through_and_no_script() -> None:
    """A browser that keeps to the policy shows the page as it was laid out."""
    text = recipe_page(SOUP, None)
    style = text.partition("<style>")[2].partition("</style>")[0]

    assert f"style-src 'sha256-{b64encode(sha256(style.encode()).digest()).decode()}'" in PAGE_POLICY
    assert PAGE_POLICY.startswith("default-src 'none';")
    assert "script-src" not in PAGE_POLICY


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "", None])
def test_only_addresses_of_the_web_are_links(url: str | None) -> None:
    """No exported file has a link that runs something or opens a file."""
    assert safe_url(url) is None
    assert "href" not in recipe_page(SOUP.model_copy(update={"source_url": url}), None)
