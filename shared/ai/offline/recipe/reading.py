"""Reads one source - screen, subtitles or caption - line by line into what it tells of a recipe."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from shared.ai.offline.language.lexicon import Lexicon, words_of
from shared.ai.offline.language.tokens import words
from shared.ai.offline.recipe.facts import Facts, longest_minutes, temperature_c
from shared.ai.offline.recipe.ingredient import Parsed, parse_ingredients
from shared.ai.offline.recipe.kinds_of_line import Is, Item, classify
from shared.ai.offline.recipe.lines import Line
from shared.ai.offline.recipe.sentence import mentions
from shared.models.recipe import Ingredient, Sighting, Step

PLATFORM_TAGS = words_of(
    "fyp, fypage, foryou, foryoupage, foryourpage, fürdich, viral, viralvideo, trending, trend, xyzbca, explore, "
    "explorepage, reels, reel, reelsinstagram, tiktok, instagram, youtube, shorts, рек, реки, рекомендации, врек, топ"
)
"""Hashtags that are about being found and not about the dish."""
CERTAIN, LISTED, GUESSED = 1.0, 0.8, 0.5
"""How sure the meaning of an entry is: has a measure or is known; stands in a list; is only named in a sentence."""


@dataclass
class Reading:
    """What one source tells. `ingredients` stand in lists; `mentioned` are named inside sentences."""

    tongue: Lexicon
    ingredients: list[Ingredient] = field(default_factory=list)
    mentioned: list[Ingredient] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    facts: Facts = field(default_factory=Facts)
    tags: list[str] = field(default_factory=list)
    equipment: list[str] = field(default_factory=list)
    prose: list[Line] = field(default_factory=list)


def read_lines(lines: Sequence[Line], tongue: Lexicon, spoken: bool = False) -> Reading:
    items = [classify(line, tongue, spoken) for line in lines]
    items = [part for item in items for part in opened(item, tongue)]
    promote(items)
    return collected(items, tongue)


def opened(item: Item, tongue: Lexicon) -> Iterable[Item]:
    """A heading with words after it is two items: `Zutaten: 200 g Mehl`; `Zutaten für den Teig` opens a group."""
    yield item
    if item.what is not Is.SECTION or not item.text.tokens:
        return
    if item.text.is_word(0, tongue.group_openers):
        yield Item(item.line, item.text, Is.FACT if item.facts else Is.GROUP, facts=item.facts)
    elif item.section == "ingredients":
        parsed = parse_ingredients(item.text.text, tongue)
        yield Item(item.line, item.text, Is.INGREDIENT if parsed else Is.PROSE, parsed=parsed)
    elif item.section == "steps":
        yield Item(item.line, item.text, Is.STEP)
    else:
        yield Item(item.line, item.text, Is.PROSE)


def promote(items: list[Item]) -> None:
    """Let headings and neighbours decide what a line could not tell by itself."""
    section: Item | None = None
    listing = False
    for at, item in enumerate(items):
        following = items[at + 1] if at + 1 < len(items) else None
        if item.what is Is.SECTION:
            section, listing = item, item.section == "ingredients"
        elif section and not in_scope(section, item, items):
            section = None
        if item.what is Is.GROUP and not is_group(item, section, following):
            item.what = Is.PROSE
        role = section.section if section else None
        if (
            role == "equipment"
            and item.what in (Is.PROSE, Is.STEP)
            and all(len(words(thing)) <= 3 for thing in things(item))
        ):
            item.section, item.what = role, Is.FACT
        elif item.what is Is.PROSE and item.parsed and belongs_to_list(item, items, at, role, listing):
            item.what = Is.INGREDIENT
        elif item.what is Is.PROSE and (role == "steps" or (at and items[at - 1].what is Is.STEP_MARK)):
            item.what = Is.STEP
        listing = listing or item.what is Is.INGREDIENT


def things(item: Item) -> list[str]:
    return [thing.strip() for thing in item.text.text.split(",") if thing.strip()]


def in_scope(heading: Item, item: Item, items: list[Item]) -> bool:
    """Whether a heading still holds: it is on the screen with the line, or it stood on a card by itself."""
    if item.line.source != "screen" or heading.line.overlaps(item.line):
        return True
    after = items[items.index(heading) + 1 :]
    return not any(other.line.overlaps(heading.line) for other in after if other.what is not Is.GROUP)


def is_group(item: Item, section: Item | None, following: Item | None) -> bool:
    """Without a list around it, `Tip:` and `For the win` head nothing."""
    starts_list = following is not None and following.what is Is.INGREDIENT
    return starts_list or (item.text.text.endswith(":") and section is not None and section.section == "ingredients")


def belongs_to_list(item: Item, items: list[Item], at: int, role: str | None, listing: bool) -> bool:
    if role == "ingredients":
        return looks_alike(item, items)
    if role is not None or not listing:
        return False
    neighbours = [items[near] for near in (at - 1, at + 1) if 0 <= near < len(items)]
    beside = any(
        near.what is Is.INGREDIENT and near.line.overlaps(item.line) and looks_alike(item, [near])
        for near in neighbours
    )
    counted = any(parsed.amount is not None for parsed in item.parsed)
    return beside and (counted or all(parsed.heads for parsed in item.parsed))


def looks_alike(item: Item, others: list[Item]) -> bool:
    """Whether its letters are no larger than those of the ingredients around; off the screen all look alike."""
    heights = [other.line.height for other in others if other.what is Is.INGREDIENT and other.line.height]
    return not heights or item.line.height <= 1.3 * max(heights)


def collected(items: list[Item], tongue: Lexicon) -> Reading:
    reading = Reading(tongue)
    group: Item | None = None
    for item in items:
        reading.facts.fill(item.facts)
        reading.tags += [tag for tag in item.tags if tag.casefold() not in PLATFORM_TAGS]
        if group and not in_scope(group, item, items):
            group = None
        if item.what is Is.GROUP:
            group = item
        elif item.what in (Is.SECTION, Is.STEP):
            group = None
        if item.what is Is.INGREDIENT:
            heading = group.text.text.rstrip(" :") if group else None
            reading.ingredients += [
                entry(parsed, heading, item.line.sighting(CERTAIN if parsed.certain else LISTED))
                for parsed in item.parsed
            ]
        elif item.what is Is.STEP:
            add_step(reading, item)
        elif item.what is Is.FACT and item.section == "equipment":
            reading.equipment += things(item)
        elif item.what is Is.PROSE:
            reading.prose.append(item.line)
            reading.mentioned += spotted(item, plain=False) if is_about_cooking(item) else []
    return reading


def add_step(reading: Reading, item: Item) -> None:
    if reading.steps and reading.steps[-1].text == item.text.text:
        return
    reading.steps.append(
        Step(
            number=item.number or len(reading.steps) + 1,
            text=item.text.text,
            minutes=longest_minutes(item.text),
            temperature_c=temperature_c(item.text),
            seen=item.line.sighting(),
        )
    )
    reading.mentioned += spotted(item, plain=True)


def is_about_cooking(item: Item) -> bool:
    """Whether a sentence that gives no instruction means its foods for the dish: `You need two eggs`, `two eggs`."""
    found = mentions(item.text, without_amount=False)
    starts = bool(found) and found[0].offset == 0
    return starts or any(one.parsed.unit for one in found) or item.text.tongue.adding.find(item.text.tokens) is not None


def spotted(item: Item, plain: bool) -> list[Ingredient]:
    """The ingredients named inside a sentence; `plain`: without an amount too."""
    shift = max(item.line.text.find(item.text.text), 0)
    found = []
    for mention in mentions(item.text, without_amount=plain):
        parsed = mention.parsed
        certainty = GUESSED if parsed.amount is None else CERTAIN if parsed.heads else LISTED
        found.append(entry(parsed, None, item.line.sighting(certainty, mention.offset + shift)))
    return found


def entry(parsed: Parsed, group: str | None, seen: Sighting) -> Ingredient:
    return Ingredient(
        name=parsed.name,
        amount=None if parsed.amount is None else round(parsed.amount, 4),
        amount_max=None if parsed.amount_max is None else round(parsed.amount_max, 4),
        unit=parsed.unit,
        note=parsed.note,
        group=group,
        seen=seen,
    )
