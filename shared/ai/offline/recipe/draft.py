"""Parse the lines of one source (screen, subtitles, speech or caption) into a draft of a recipe."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from shared.ai.offline.language.lexicon import Lexicon, fold_phrases
from shared.ai.offline.language.tables import words
from shared.ai.offline.recipe.facts import RecipeFacts, longest_duration, temperature_c
from shared.ai.offline.recipe.ingredient import ParsedIngredient, parse_ingredients
from shared.ai.offline.recipe.line_kind import ClassifiedLine, LineKind, classify_line
from shared.ai.offline.recipe.lines import RecipeLine
from shared.ai.offline.recipe.mention import find_mentions
from shared.ai.offline.recipe.spoken import drop_references, spoken_servings
from shared.analyses.evidence import Sighting
from shared.analyses.recipe import Ingredient, Step

PLATFORM_TAGS = fold_phrases(
    "fyp, fypage, foryou, foryoupage, foryourpage, fürdich, viral, viralvideo, trending, trend, xyzbca, explore, "
    "explorepage, reels, reel, reelsinstagram, tiktok, instagram, youtube, shorts, рек, реки, рекомендации, врек, топ"
)
"""Hashtags for reach, which do not describe the dish."""
CERTAIN, LISTED, GUESSED = 1.0, 0.8, 0.5
"""Confidence in an entry: it has a measure or is a known food; is in a list; is only named in a sentence."""


@dataclass
class RecipeDraft:
    """The recipe data of one source. `ingredients` come from lists, `mentioned` from sentences."""

    lexicon: Lexicon
    ingredients: list[Ingredient] = field(default_factory=list)
    mentioned: list[Ingredient] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    facts: RecipeFacts = field(default_factory=RecipeFacts)
    tags: list[str] = field(default_factory=list)
    equipment: list[str] = field(default_factory=list)
    prose: list[RecipeLine] = field(default_factory=list)


def parse_speech(lines: Sequence[RecipeLine], lexicon: Lexicon) -> RecipeDraft:
    """Parse recognized speech or subtitles; in speech, a food without an amount may refer to an ingredient."""
    draft = parse_lines(lines, lexicon, spoken=True)
    if lines and lines[0].source == "speech":
        draft.mentioned = drop_references(draft.mentioned, lexicon)
        draft.facts.fill_missing(RecipeFacts(servings=spoken_servings(lines, lexicon)))
    return draft


def parse_lines(lines: Sequence[RecipeLine], lexicon: Lexicon, spoken: bool = False) -> RecipeDraft:
    items = [classify_line(line, lexicon, spoken) for line in lines]
    if lines and lines[0].source == "speech":
        find_spoken_steps(items)
    items = [part for item in items for part in split_heading(item, lexicon)]
    apply_context(items)
    return build_draft(items, lexicon)


def find_spoken_steps(items: list[ClassifiedLine]) -> None:
    """Make steps of clauses whose verb was misheard: an amount follows their first word, or a step is before them."""
    cooks = False
    for item in items:
        if item.kind is LineKind.STEP and not cooks and names_dish(item):
            item.kind = LineKind.PROSE
        elif item.kind is LineKind.STEP:
            cooks = True
        elif item.kind is LineKind.PROSE and not item.text.lexicon.listing.find(item.text.tokens):
            mentions = find_mentions(item.text, without_amount=False)
            second = item.text.tokens[1].start if len(item.text) > 1 else 0
            has_measure = any(mention.parsed.is_food and mention.parsed.unit for mention in mentions)
            if has_measure and (cooks or mentions[0].offset == second):
                item.kind, cooks = LineKind.STEP, True


def names_dish(item: ClassifiedLine) -> bool:
    """Return True for `here's a cheap lentil stew` before the first step, without any measure."""
    has_measure = any(mention.parsed.unit for mention in find_mentions(item.text, without_amount=False))
    return item.text.lexicon.title_openers.find(item.text.tokens) is not None and not has_measure


def split_heading(item: ClassifiedLine, lexicon: Lexicon) -> Iterable[ClassifiedLine]:
    """Split a heading from the words after it: `Zutaten: 200 g Mehl`; `Zutaten für den Teig` opens a group."""
    yield item
    if item.kind is not LineKind.SECTION or not item.text.tokens:
        return
    if item.text.is_word(0, lexicon.group_openers):
        yield ClassifiedLine(item.line, item.text, LineKind.FACT if item.facts else LineKind.GROUP, facts=item.facts)
    elif item.section == "ingredients":
        parsed = parse_ingredients(item.text.text, lexicon)
        yield ClassifiedLine(item.line, item.text, LineKind.INGREDIENT if parsed else LineKind.PROSE, parsed=parsed)
    elif item.section == "steps":
        yield ClassifiedLine(item.line, item.text, LineKind.STEP)
    elif item.section == "nutrition":
        yield ClassifiedLine(item.line, item.text, LineKind.FACT, facts=item.facts)
    else:
        yield ClassifiedLine(item.line, item.text, LineKind.PROSE)


def apply_context(items: list[ClassifiedLine]) -> None:
    """Reclassify lines by the headings and neighbours around them."""
    section: ClassifiedLine | None = None
    in_list = False
    if items and is_title(items[0]):
        items[0].kind = LineKind.PROSE
    for at, item in enumerate(items):
        following = items[at + 1] if at + 1 < len(items) else None
        if item.kind is LineKind.SECTION:
            section, in_list = item, item.section == "ingredients"
        elif section and not is_in_scope(section, item, items):
            section = None
        if item.kind is LineKind.GROUP and not is_group(item, section, following):
            item.kind = LineKind.PROSE
        role = section.section if section else None
        if role == "nutrition" and item.kind is LineKind.INGREDIENT and states_nutrient(item):
            item.kind = LineKind.FACT
        if (
            role == "equipment"
            and item.kind in (LineKind.PROSE, LineKind.STEP)
            and all(len(words(thing)) <= 3 for thing in split_list(item))
        ):
            item.section, item.kind = role, LineKind.FACT
        elif item.kind is LineKind.PROSE and item.parsed and is_list_entry(item, items, at, role, in_list):
            item.kind = LineKind.INGREDIENT
        elif item.kind is LineKind.PROSE and (role == "steps" or (at and items[at - 1].kind is LineKind.STEP_MARK)):
            item.kind = LineKind.STEP
        in_list = in_list or item.kind is LineKind.INGREDIENT


def is_title(item: ClassifiedLine) -> bool:
    """Return True if the first line of a caption is a title in capitals, not an instruction: `BROWN BUTTER COOKIES`."""
    words = [token.text for token in item.text.tokens if token.kind == "word"]
    only_words = len(words) == len(item.text.tokens)
    return item.kind is LineKind.STEP and item.line.source == "caption" and only_words and all(map(has_capital, words))


def has_capital(word: str) -> bool:
    return word[0].isupper()


def states_nutrient(item: ClassifiedLine) -> bool:
    """Return True if a line below `Nutrition` states one: `Sugar 5 g` is no ingredient there."""
    lexicon = item.text.lexicon
    return any(table.find(item.text.tokens) for table in (lexicon.nutrients, lexicon.other_nutrients))


def split_list(item: ClassifiedLine) -> list[str]:
    return [thing.strip() for thing in item.text.text.split(",") if thing.strip()]


def is_in_scope(heading: ClassifiedLine, item: ClassifiedLine, items: list[ClassifiedLine]) -> bool:
    """Return True if a heading still applies: it is on screen with the line, or was alone on a card before it."""
    if item.line.source != "screen" or heading.line.overlaps(item.line):
        return True
    after = items[items.index(heading) + 1 :]
    return not any(other.line.overlaps(heading.line) for other in after if other.kind is not LineKind.GROUP)


def is_group(item: ClassifiedLine, section: ClassifiedLine | None, following: ClassifiedLine | None) -> bool:
    """Return True if a group heading starts or is within a list; else `Tip:` and `For the win` are prose."""
    starts_list = following is not None and following.kind is LineKind.INGREDIENT
    return starts_list or (item.text.text.endswith(":") and section is not None and section.section == "ingredients")


def is_list_entry(item: ClassifiedLine, items: list[ClassifiedLine], at: int, role: str | None, in_list: bool) -> bool:
    if role == "ingredients":
        return is_similar_height(item, items)
    if role is not None or not in_list:
        return False
    neighbours = [items[near] for near in (at - 1, at + 1) if 0 <= near < len(items)]
    beside = any(
        near.kind is LineKind.INGREDIENT and near.line.overlaps(item.line) and is_similar_height(item, [near])
        for near in neighbours
    )
    has_amount = any(parsed.amount is not None for parsed in item.parsed)
    return beside and (has_amount or all(parsed.is_food for parsed in item.parsed))


def is_similar_height(item: ClassifiedLine, others: list[ClassifiedLine]) -> bool:
    """Return True if a line's letters are not larger than those of the ingredients; always True off screen."""
    heights = [other.line.height for other in others if other.kind is LineKind.INGREDIENT and other.line.height]
    return not heights or item.line.height <= 1.3 * max(heights)


def build_draft(items: list[ClassifiedLine], lexicon: Lexicon) -> RecipeDraft:
    draft = RecipeDraft(lexicon)
    group: ClassifiedLine | None = None
    for item in items:
        draft.facts.fill_missing(item.facts)
        draft.tags += [tag for tag in item.tags if tag.casefold() not in PLATFORM_TAGS]
        if group and not is_in_scope(group, item, items):
            group = None
        if item.kind is LineKind.GROUP:
            group = item
        elif item.kind in (LineKind.SECTION, LineKind.STEP):
            group = None
        if item.kind is LineKind.INGREDIENT:
            heading = group.text.text.rstrip(" :") if group else None
            draft.ingredients += [
                to_ingredient(parsed, heading, item.line.sighting(list_certainty(parsed))) for parsed in item.parsed
            ]
        elif item.kind is LineKind.STEP:
            add_step(draft, item)
        elif item.kind is LineKind.FACT and item.section == "equipment":
            draft.equipment += split_list(item)
        elif item.kind is LineKind.PROSE:
            draft.prose.append(item.line)
            draft.mentioned += ingredients_in_sentence(item, without_amount=False) if is_about_cooking(item) else []
    return draft


def list_certainty(parsed: ParsedIngredient) -> float:
    if parsed.is_doubtful:
        return GUESSED
    return CERTAIN if parsed.is_certain else LISTED


def add_step(draft: RecipeDraft, item: ClassifiedLine) -> None:
    if draft.steps and draft.steps[-1].text == item.text.text:
        return
    duration = longest_duration(item.text)
    draft.steps.append(
        Step(
            number=item.number or len(draft.steps) + 1,
            text=item.text.text,
            minutes=round(duration.minutes, 2) if duration else None,
            minutes_max=round(duration.maximum, 2) if duration and duration.maximum else None,
            temperature_c=temperature_c(item.text),
            seen=item.line.sighting(),
        )
    )
    draft.mentioned += ingredients_in_sentence(item, without_amount=True)


def is_about_cooking(item: ClassifiedLine) -> bool:
    """Return True if a sentence without an instruction names ingredients: `You need two eggs`, `two eggs`."""
    sentence_mentions = find_mentions(item.text, without_amount=False)
    if item.line.source == "speech" and any(mention.parsed.is_food for mention in sentence_mentions):
        return True
    starts = bool(sentence_mentions) and sentence_mentions[0].offset == 0
    return (
        starts
        or any(mention.parsed.unit and mention.parsed.is_food for mention in sentence_mentions)
        or item.text.lexicon.adding.find(item.text.tokens) is not None
    )


def ingredients_in_sentence(item: ClassifiedLine, without_amount: bool) -> list[Ingredient]:
    """Return the ingredients named in a sentence; `without_amount` includes those without an amount."""
    shift = max(item.line.text.find(item.text.text), 0)
    ingredients = []
    for mention in find_mentions(item.text, without_amount=without_amount):
        parsed = mention.parsed
        certainty = GUESSED if parsed.amount is None else CERTAIN if parsed.is_food else LISTED
        ingredients.append(to_ingredient(parsed, None, item.line.sighting(certainty, mention.offset + shift)))
    return ingredients


def to_ingredient(parsed: ParsedIngredient, group: str | None, sighting: Sighting) -> Ingredient:
    return Ingredient(
        name=parsed.name,
        amount=None if parsed.amount is None else round(parsed.amount, 4),
        amount_max=None if parsed.amount_max is None else round(parsed.amount_max, 4),
        unit=parsed.unit,
        measures=list(parsed.measures),
        note=parsed.note,
        group=group,
        seen=sighting,
    )
