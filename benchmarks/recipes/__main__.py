"""How many lines of recipes are read rightly without a model: `python -m benchmarks.recipes [--failures]`."""

from __future__ import annotations

import argparse
import time

from benchmarks.recipes.cases import LANGUAGES, SETS, Case, FactCase, read_cases, read_fact_cases
from benchmarks.recipes.reading import read_facts, read_ingredients
from benchmarks.recipes.rival import load_rival
from benchmarks.recipes.scoring import Score, add_case, is_same_facts
from benchmarks.recipes.speech import print_speech
from benchmarks.sizes import size

MAX_CASES = size(None, smoke=2)
COLUMNS = "language     lines  items  all right   amount     unit     name     note  wrong amounts"


def format_row(label: str, lines: int, score: Score) -> str:
    shares = [score.share(count) for count in (score.right, score.amounts, score.units, score.names)]
    note = f"{100 * score.notes / max(score.notes_total, 1):.1f} %"
    wrong = f"{score.wrong_amounts} ({score.share(score.wrong_amounts)})"
    return f"{label:<12} {lines:>5}  {score.total:>5}  " + "  ".join(f"{text:>7}" for text in [*shares, note, wrong])


def score_ingredients(cases: list[Case]) -> Score:
    score = Score()
    for case in cases:
        add_case(score, case, read_ingredients(case))
    return score


def failed_facts(cases: list[FactCase]) -> list[str]:
    return [
        f"{case.section}: {case.line!r}: {case.values}, read {read}"
        for case in cases
        if not is_same_facts(case, read := read_facts(case))
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--failures", action="store_true", help="list what was read wrongly")
    shows_failures = parser.parse_args().failures
    failures: list[str] = []
    for prefix, name in SETS.items():
        print(f"lines: {name}\n{COLUMNS}")
        for language in LANGUAGES:
            cases = read_cases(language, prefix)[:MAX_CASES]
            score = score_ingredients(cases)
            print(format_row(language, len(cases), score))
            failures += score.failures
        print()
    print("steps, times, yields and other facts")
    for language in LANGUAGES:
        facts = read_fact_cases(language)[:MAX_CASES]
        failed = failed_facts(facts)
        print(f"{language:<12} {len(facts):>5}  {100 * (1 - len(failed) / len(facts)):.1f} % right")
        failures += failed
    print_speech(shows_failures)
    compare_rival()
    if shows_failures:
        print(*["", *failures], sep="\n")


def compare_rival() -> None:
    """Both parsers on the English lines of lists that name ingredients, in one run."""
    print("\nEnglish lists, without the lines that name no ingredient")
    cases = [
        case for prefix in SETS for case in read_cases("en", prefix) if case.section == "list" and case.readings[0]
    ][:MAX_CASES]
    started = time.perf_counter()
    ours = score_ingredients(cases)
    seconds = time.perf_counter() - started
    print(COLUMNS)
    print(format_row("Clipwise", len(cases), ours))
    rival = load_rival()
    if isinstance(rival, str):
        print(rival)
        return
    theirs = Score()
    started = time.perf_counter()
    for case in cases:
        add_case(theirs, case, rival(case.line))
    taken = time.perf_counter() - started
    print(format_row("ingredient-p", len(cases), theirs))
    print(f"Clipwise took {seconds / taken:.2f} of its time, although it reads each line as a whole caption.")


if __name__ == "__main__":
    main()
