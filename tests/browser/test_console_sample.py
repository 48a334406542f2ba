"""The first minute: from an empty library to a recipe, without a video of one's own."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from infra.demo.recipe import RECIPE, recipe_differences
from shared.analyses.recipe import Recipe
from tests.browser.shelf import address, layout_shifts, open_page
from tests.server import Server


def test_the_sample_becomes_a_recipe(server: Server, page: Page) -> None:
    """Whoever has nothing yet presses one button, watches the sample's job to its end without a move of the page's
    parts, and cooks from a recipe that differs from the video in nothing."""
    open_page(page, server)
    page.get_by_role("button", name="Try the sample").click()
    expect(page.get_by_role("heading", name="baked-feta-pasta.mp4")).to_be_visible()
    expect(page.locator(".findings .frames img").first).to_be_visible()
    page.get_by_role("link", name="Open the recipe").click()
    expect(page.get_by_role("heading", name="Baked Feta Pasta")).to_be_visible()
    expect(page.locator(".ticks li")).to_have_count(len(RECIPE.ingredients))
    assert sum(score for score, _ in layout_shifts(page)) < 0.1, layout_shifts(page)
    job = server.job(address(page).removeprefix("recipes/"))
    assert recipe_differences(Recipe.read(job["result"]), job["video"]["info"]["durationSec"]) == []
