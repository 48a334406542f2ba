"""Read recognized speech as clauses: repair misheard words, cut at pauses and verbs, find the title in the opening."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from shared.ai.offline.language.lexicon import Lexicon
from shared.ai.offline.language.tables import fold, split_phrases, tokenize
from shared.ai.offline.recipe.lines import SENTENCE_SIGNS, SPOKEN_CONFIDENCE, RecipeLine, clean_segments, is_cut_off
from shared.ai.offline.recipe.measure import parse_number
from shared.ai.offline.recipe.merge import stems
from shared.ai.offline.recipe.text import TokenizedText
from shared.analyses.recipe import Ingredient
from shared.models.video import Segment

MIN_JOINED = 6
"""Shorter units could be two words by chance."""
MIN_PAUSE_SEC = 0.7
"""Speakers pause so long between sentences, seldom inside one; recognition loses half of the signs there."""
MIN_CLAUSE_WORDS = 4
MIN_INSTRUCTION_WORDS = 3
OPENING_CLAUSES = 5
MAX_TITLE_WORDS = 6
MAX_ARTICLE = 3
MAX_SERVINGS = 24
MARKS = ".,!?;:…\"'"


@dataclass(frozen=True)
class SpokenWord:
    """A recognized word with the signs after it. `opens_segment`: recognition starts a segment with it."""

    text: str
    start: float
    end: float
    opens_segment: bool = False

    @property
    def folded(self) -> str:
        return fold(self.text.strip(MARKS))

    @property
    def ends_clause(self) -> bool:
        return self.text.endswith((",", *SENTENCE_SIGNS))

    def with_word(self, word: str) -> SpokenWord:
        """Return the word replaced by another, with the same signs after it."""
        bare = self.text.strip(MARKS)
        return replace(self, text=self.text.replace(bare, word.capitalize() if bare[:1].isupper() else word, 1))


def spoken_lines(transcript: Sequence[Segment], lexicon: Lexicon) -> list[RecipeLine]:
    """Return the clauses of recognized speech, each with the times of its words."""
    words = repair_words(join_split_words(spoken_words(transcript), lexicon), lexicon)
    return [to_line(clause) for clause in split_clauses(words, lexicon)]


def spoken_words(transcript: Sequence[Segment]) -> list[SpokenWord]:
    """Return the words of all segments; without times of words, the time of a segment is divided among them."""
    words: list[SpokenWord] = []
    for segment in clean_segments(transcript):
        if segment.words:
            words += [
                SpokenWord(word.text.strip(), word.start, word.end, at == 0) for at, word in enumerate(segment.words)
            ]
            continue
        texts = segment.text.split()
        step = (segment.end - segment.start) / max(len(texts), 1)
        words += [
            SpokenWord(text, segment.start + at * step, segment.start + (at + 1) * step, at == 0)
            for at, text in enumerate(texts)
        ]
    return [word for word in words if word.text.strip(MARKS)]


def join_split_words(words: Sequence[SpokenWord], lexicon: Lexicon) -> list[SpokenWord]:
    """Join the halves of units and numbers: `table spoons`, `Ess Löffel`, `zwei hundert`; drop fillers such as `uh`."""
    joined: list[SpokenWord] = []
    for word in words:
        if word.folded in lexicon.fillers and not word.ends_clause:
            continue
        before = joined[-1] if joined else None
        whole = before.folded + word.folded if before and not before.ends_clause else ""
        is_unit = len(whole) >= MIN_JOINED and lexicon.units.match(tokenize(whole), 0)
        if before and (is_unit or (lexicon.tables.capital_nouns and whole in lexicon.numbers)):
            text = before.text + word.text.casefold()
            joined[-1] = replace(before, text=text, end=word.end)
        else:
            joined.append(word)
    return joined


def repair_words(words: Sequence[SpokenWord], lexicon: Lexicon) -> list[SpokenWord]:
    """Replace words that sound like those a kitchen says in their place: `to cups on flower` are two cups of flour."""
    units = lexicon.tables.misheard_units
    repaired = [
        word.with_word(units[word.folded]) if is_misheard_unit(word, words[at + 1 : at + 5], lexicon) else word
        for at, word in enumerate(words)
    ]
    for at, word in enumerate(repaired):
        before = repaired[at - 1] if at else None
        following = repaired[at + 1 : at + 4]
        if is_misheard_number(word, before, following, lexicon):
            repaired[at] = word.with_word(lexicon.tables.misheard_numbers[word.folded])
        elif before and is_misheard_of(word, repaired[:at], following, lexicon):
            repaired[at] = word.with_word(min(lexicon.of))
            repaired[at - 1] = replace(before, text=before.text.rstrip(","))
        elif before and word.folded in lexicon.tables.misheard_foods and is_measured(repaired[:at], lexicon):
            repaired[at] = word.with_word(lexicon.tables.misheard_foods[word.folded])
        elif before and is_misheard_article(word, before, following, lexicon):
            repaired[at] = word.with_word(min(lexicon.articles))
    return repaired


def is_misheard_unit(word: SpokenWord, following: Sequence[SpokenWord], lexicon: Lexicon) -> bool:
    """Return True for the `rams` of `fifty rams on sugar`, before a food."""
    if word.folded not in lexicon.tables.misheard_units or not following:
        return False
    return starts_food(following[1:] if is_little_of(following[0], lexicon) else following, lexicon)


def is_misheard_article(
    word: SpokenWord, before: SpokenWord, following: Sequence[SpokenWord], lexicon: Lexicon
) -> bool:
    """Return True for the `at` of `half at teaspoon`: between a fraction and a unit only an article can stand."""
    is_fraction = lexicon.numbers.get(before.folded, 1) < 1 and not before.ends_clause
    is_other = word.folded in lexicon.articles | lexicon.of or is_unit(word, lexicon) or is_number(word, lexicon)
    is_short = len(word.folded) <= MAX_ARTICLE
    return bool(lexicon.of) and is_fraction and is_short and not is_other and is_unit_next(following, lexicon)


def is_unit_next(following: Sequence[SpokenWord], lexicon: Lexicon) -> bool:
    return bool(following) and is_unit(following[0], lexicon)


def is_misheard_number(
    word: SpokenWord, before: SpokenWord | None, following: Sequence[SpokenWord], lexicon: Lexicon
) -> bool:
    """Return True for the `to` of `to cups of flour` and the `for` of `crack for eggs`, or `they serve free`."""
    if word.folded not in lexicon.tables.misheard_numbers:
        return False
    if word.ends_clause or not following:
        label = lexicon.labels.match(tokenize(before.folded), 0) if before else None
        return label is not None and label[1] == "servings"
    rest = following[1:]
    if is_unit(following[0], lexicon):
        return bool(rest) and (is_little_of(rest[0], lexicon) or starts_food(rest, lexicon))
    opens = before is None or before.ends_clause or before.folded in lexicon.joiners | lexicon.plus
    opens = opens or (before is not None and bool(lexicon.adding.match(tokenize(before.folded), 0)))
    return opens and following[0].folded in lexicon.countable


def is_misheard_of(
    word: SpokenWord, before: Sequence[SpokenWord], following: Sequence[SpokenWord], lexicon: Lexicon
) -> bool:
    """Return True for the `on` of `three tablespoons on sugar`: after a counted unit, before a food."""
    if word.folded not in lexicon.misheard_of or len(before) < 2:
        return False
    if word.folded in lexicon.joiners and (not following or is_number(following[0], lexicon)):
        return False  # `a cup and a half`
    unit = replace(before[-1], text=before[-1].text.rstrip(","))  # `one cup, some flour`
    return is_unit(unit, lexicon) and is_number(before[-2], lexicon) and starts_food(following, lexicon)


def is_measured(before: Sequence[SpokenWord], lexicon: Lexicon) -> bool:
    """Return True after `two cups of` or `two cups`, where only a food can follow."""
    at = len(before) - 1
    if before[at].folded in lexicon.of:
        at -= 1
    return at > 0 and is_unit(before[at], lexicon) and is_number(before[at - 1], lexicon)


def is_number(word: SpokenWord, lexicon: Lexicon) -> bool:
    is_digits = any(char.isnumeric() for char in word.text)
    return not word.ends_clause and (is_digits or word.folded in lexicon.numbers or word.folded in lexicon.articles)


def is_unit(word: SpokenWord, lexicon: Lexicon) -> bool:
    return not word.ends_clause and lexicon.units.match(tokenize(word.folded), 0) is not None


def is_little_of(word: SpokenWord, lexicon: Lexicon) -> bool:
    return word.folded in lexicon.of | lexicon.misheard_of


def starts_food(words: Sequence[SpokenWord], lexicon: Lexicon) -> bool:
    """Return True if a food is among the next words of the same clause, or a word that sounds like one comes next."""
    for at, word in enumerate(words[:3]):
        if lexicon.food_end(tokenize(" ".join(next_word.text for next_word in words[at:])), 0):
            return True
        if at == 0 and word.folded in lexicon.tables.misheard_foods:
            return True
        if word.ends_clause or word.folded in lexicon.stops:
            return False
    return False


def split_clauses(words: Sequence[SpokenWord], lexicon: Lexicon) -> list[list[SpokenWord]]:
    """Cut speech after sentences, at pauses, and before words that start a new step."""
    clauses: list[list[SpokenWord]] = []
    clause: list[SpokenWord] = []
    for at, word in enumerate(words):
        if clause and is_break(clause, word, words[at + 1] if at + 1 < len(words) else None, lexicon):
            moved = [clause.pop()] if clause[-1].folded in lexicon.joiners and len(clause) > 1 else []
            clauses.append(clause)
            clause = moved
        clause.append(word)
    return [*clauses, clause] if clause else clauses


def is_break(clause: Sequence[SpokenWord], word: SpokenWord, following: SpokenWord | None, lexicon: Lexicon) -> bool:
    last = clause[-1]
    if last.text.endswith(SENTENCE_SIGNS) and not last.text[:-1].isnumeric():
        return True
    if is_cut_off(TokenizedText(" ".join(item.text for item in clause[-3:]).rstrip(","), lexicon)):
        return False
    if word.start - last.end >= MIN_PAUSE_SEC or is_lost_start(word, lexicon):
        return True
    starts_with_verb = lexicon.tables.verb_place == "first" and word.folded in lexicon.verbs
    if last.text.endswith(",") and starts_with_verb and len(clause) >= MIN_INSTRUCTION_WORDS:
        return True
    if len(clause) < MIN_CLAUSE_WORDS:
        return False
    return word.folded in lexicon.sequence or is_next_verb(clause, word, following, lexicon)


def is_lost_start(word: SpokenWord, lexicon: Lexicon) -> bool:
    """Return True for a capital that only the start of a sentence has: `Simmer`, `Dann`, `Das`; not `I`."""
    if len(word.text.strip(MARKS)) < 2 or not word.text[0].isupper():
        return False
    if word.opens_segment and not lexicon.tables.capital_nouns:
        return True
    others = lexicon.openers | lexicon.stops | lexicon.determiners | lexicon.articles
    return word.folded in others or (word.folded in lexicon.verbs and not lexicon.tables.capital_nouns)


def is_next_verb(
    clause: Sequence[SpokenWord], word: SpokenWord, following: SpokenWord | None, lexicon: Lexicon
) -> bool:
    """Return True if a new instruction starts, which in Russian a verb tells: `творог разминаем добавляем яйца`."""
    if lexicon.tables.verb_place != "any" or not any(item.folded in lexicon.verbs for item in clause):
        return False
    starts = word.folded in lexicon.verbs
    starts = starts or (word.folded in lexicon.openers and following is not None and following.folded in lexicon.verbs)
    return starts and clause[-1].folded not in lexicon.joiners | lexicon.openers


def to_line(clause: Sequence[SpokenWord]) -> RecipeLine:
    text, marks = "", []
    for word in clause:
        marks.append((len(text), word.start))
        text += word.text + " "
    text = text.strip().rstrip(",")
    text = text[:1].upper() + text[1:]
    return RecipeLine(text, "speech", clause[0].start, clause[-1].end, None, SPOKEN_CONFIDENCE, marks=tuple(marks[1:]))


def spoken_title(lines: Sequence[RecipeLine], lexicon: Lexicon) -> RecipeLine | None:
    """Return the dish that the opening names: `banana bread` of `today I'm making my favorite banana bread`."""
    for line in lines[:OPENING_CLAUSES]:
        text = TokenizedText(line.text, lexicon)
        for at in range(len(text)):
            hit = lexicon.title_openers.match(text.tokens, at)
            if hit and (title := title_after(text, hit[0])):
                return replace(line, text=title[:1].upper() + title[1:])
    return None


def spoken_servings(lines: Sequence[RecipeLine], lexicon: Lexicon) -> float | None:
    """Return the number at the end of an opening clause: `we're having pasta for two`."""
    for line in lines[:OPENING_CLAUSES]:
        text = TokenizedText(line.text.rstrip(MARKS), lexicon)
        for at in range(1, len(text) - 1):
            count = parse_number(text, at + 1) if text.is_word(at, lexicon.group_openers) else None
            if count and count.end == len(text) and not count.weak and 1 <= count.value <= MAX_SERVINGS:
                return count.value
    return None


def title_after(text: TokenizedText, start: int) -> str | None:
    """Return the words after a place up to the end of the noun phrase, without those that only praise the dish."""
    lexicon = text.lexicon
    while text.is_word(start, lexicon.determiners | lexicon.praise | lexicon.fillers | lexicon.articles):
        start += 1
    end = start
    while (token := text.token_at(end)) and token.kind == "word" and end - start < MAX_TITLE_WORDS:
        if token.folded in lexicon.title_ends:
            break
        end += 1
    return text.text_between(start, end) or None


def drop_references(ingredients: Sequence[Ingredient], lexicon: Lexicon) -> list[Ingredient]:
    """Drop foods without an amount that refer to an ingredient named in full, or to all of them: `the vegetables`."""
    measured = [item for item in ingredients if item.amount is not None or item.note or item.unit]
    return [item for item in ingredients if item in measured or not is_reference(item, measured, lexicon)]


def is_reference(item: Ingredient, measured: Sequence[Ingredient], lexicon: Lexicon) -> bool:
    name = stems(item.name, lexicon) - stems(" ".join(split_phrases(lexicon.tables.parts)), lexicon)
    if name and name <= lexicon.generic_foods:
        return True
    return any(
        name <= stems(f"{other.name} {other.note or ''}", lexicon) or fold(other.name).endswith(fold(item.name))
        for other in measured
    )
