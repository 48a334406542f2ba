"""What a month's analyses may cost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.stand_ins import openai_server as fake
from infra.stand_ins.openai_server import OpenAIServer
from shared import clock
from shared.ai.openai import endpoint
from shared.ai.openai.provider import OpenAIProvider
from shared.ai.provider import Task
from shared.ai.service_models import price_list, service_models
from shared.ai.usage import SPENDING, Meter, PriceList, book_cost, check_budget, meter_for, spent_usd
from shared.analyses.kinds import kind_named
from shared.errors import PermanentError
from shared.models.job import Usage
from shared.platform.ports import Documents
from shared.settings import Settings
from tests.recipe_samples import answer, evidence, no_tick
from tests.unit.pipeline.fault_simulation import temporary_documents

GEMINI, OPENAI = price_list("gemini"), price_list("openai")


@pytest.fixture
def documents(tmp_path: Path) -> Documents:
    return temporary_documents(tmp_path / "data")


def test_spending_adds_up_per_user_and_month(documents: Documents, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each user has a sum of their own that begins again with the month."""
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 1, 31, 23, 59, tzinfo=UTC))
    book_cost(documents, "anna", 0.25)
    book_cost(documents, "anna", 0.5)
    book_cost(documents, "ben", 4)
    assert (spent_usd(documents, "anna"), spent_usd(documents, "ben")) == (0.75, 4)
    stored = documents.get(SPENDING, "anna-2026-01")
    assert stored
    assert (stored.data["owner"], stored.data["month"], stored.data["spentUsd"]) == ("anna", "2026-01", 0.75)
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 2, 1, tzinfo=UTC))
    assert spent_usd(documents, "anna") == 0


def test_no_cent_is_lost_when_many_spend_at_once(documents: Documents) -> None:
    """Twenty calls that end together are all counted."""
    with ThreadPoolExecutor(8) as spenders:
        list(spenders.map(lambda _: book_cost(documents, "anna", 0.01), range(20)))
    assert spent_usd(documents, "anna") == pytest.approx(0.2)


def test_a_used_up_budget_stops_new_work(documents: Documents) -> None:
    """At the limit there is a clear error; below it, and without a limit, there is none."""
    book_cost(documents, "anna", 1)
    check_budget(documents, "anna", 0)
    check_budget(documents, "anna", 1.01)
    check_budget(documents, "ben", 1)
    with pytest.raises(PermanentError) as caught:
        check_budget(documents, "anna", 1)
    assert caught.value.code == "budget_exceeded"
    assert "$1.00" in caught.value.message


def test_the_budget_is_looked_at_before_each_call(documents: Documents, tmp_path: Path) -> None:
    """The second call of an analysis is not made when the first one used the budget up; what it cost stays counted."""
    meter = meter_for(documents, "anna", 0.001, Usage())
    with OpenAIServer() as server:
        server.queue_replies(fake.token_limit_reply(answer()))
        settings = Settings(openai_api_key=fake.KEY, openai_base_url=server.base_url)
        with pytest.raises(PermanentError) as caught:
            OpenAIProvider(settings, meter).analyze(kind_named("recipe"), evidence(tmp_path), "en", no_tick)
        assert caught.value.code == "budget_exceeded"
        assert len(server.requests) == 1
    assert spent_usd(documents, "anna") == meter.usage.cost_usd == 0.00165


def test_a_second_attempt_goes_on_counting() -> None:
    """What the attempts of a job cost adds up."""
    first = Meter()
    first.count(OPENAI, "gpt-5.4-mini", 1000, 100)
    second = Meter(first.usage)
    second.count(GEMINI, "gemini-3.5-flash-lite", 1000, 100)
    assert (second.usage.tokens_in, second.usage.tokens_out) == (2000, 200)
    assert second.usage.cost_usd == pytest.approx(0.0012 + 0.00055)
    assert first.usage.tokens_in == 1000


@given(
    st.sampled_from([(prices, model) for prices in (GEMINI, OPENAI) for model in sorted(prices.models)]),
    st.integers(0, 10**7),
    st.integers(0, 10**6),
)
def test_more_tokens_never_cost_less(priced: tuple[PriceList, str], tokens_in: int, tokens_out: int) -> None:
    """Law: a cost is never negative, grows with what is used, and is the same for a dated snapshot of the model."""
    prices, model = priced
    cost = prices.cost_usd(model, tokens_in, tokens_out)
    more = prices.cost_usd(model, tokens_in + 1, tokens_out + 1, audio_sec=1)
    assert 0 <= cost < more
    assert prices.cost_usd(f"{model}-2026-03-17", tokens_in, tokens_out) == cost


def test_sound_is_billed_as_its_model_is() -> None:
    """Some models cost by the minute, some more for a token of sound than for one of text."""
    assert OPENAI.cost_usd("whisper-1", 0, 0, audio_sec=90) == pytest.approx(0.009)
    assert OPENAI.cost_usd("gpt-4o-transcribe", 1000, 100, audio_tokens=900) == pytest.approx(0.00665)
    flash = GEMINI.cost_usd("gemini-3.5-flash-lite", 1000, 0, audio_tokens=900, audio_sec=30)
    assert flash == pytest.approx(0.0003)


def test_what_this_machine_does_costs_nothing() -> None:
    """Listening at home is told in seconds, is free, and needs no price."""
    meter = Meter(book=lambda cost: pytest.fail(f"{cost} was booked"))
    meter.count_local_audio("offline", "faster-whisper-small", 12.5)
    assert (meter.usage.audio_seconds, meter.usage.cost_usd, meter.usage.notes) == (12.5, 0, [])


def test_the_default_models_have_a_price() -> None:
    """A budget works out of the box."""
    given = Settings()
    assert default_models(given)["openai"] <= OPENAI.models.keys()
    assert default_models(given)["gemini"] <= GEMINI.models.keys()


def test_no_default_is_about_to_end() -> None:
    """Nobody installs a default that its service has announced to end within a year of the table's own date."""
    table = service_models()
    for provider, names in default_models(Settings()).items():
        for model in map(table.by_provider[provider].__getitem__, names):
            assert model.ends is None or (model.ends - table.as_of).days > 365, model.name


def test_every_end_has_a_replacement_that_lives() -> None:
    """Whoever is warned of a model's end is told another one, which is in the table and has no end."""
    table = service_models()
    for provider, models in table.by_provider.items():
        assert table.sources[provider]
        for model in models.values():
            assert model.read <= table.as_of
            assert (model.ends is None) == (not model.replacement)
            assert not model.replacement or models[model.replacement].ends is None


def default_models(settings: Settings) -> dict[str, set[str]]:
    """Return the names of the models that are used if only the services' keys are set."""
    given = replace(settings, openai_api_key="sk-test")
    openai = {endpoint.endpoint_for(task, given).model for task in get_args(Task)}
    return {"openai": openai, "gemini": {given.gemini_model, given.gemini_embed_model}}
