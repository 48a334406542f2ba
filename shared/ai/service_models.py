"""The dated table of the AI services' models: prices, announced ends and replacements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from shared.ai.usage import SNAPSHOT, Price, PriceList
from shared.tables import read_table

TABLE = Path(__file__).with_suffix(".yaml")


@dataclass(frozen=True)
class ServiceModel:
    """A model of a service.

    Attributes:
        read: When the price was read.
        ends: The announced day of its shutdown; None if none is announced.
        replacement: What the service recommends instead; "" if it has no end.
    """

    name: str
    price: Price
    read: date
    ends: date | None
    replacement: str


@dataclass(frozen=True)
class ServiceModels:
    """The table.

    Attributes:
        as_of: When the services' announcements were read.
        sources: Addresses of each service's prices and announcements.
    """

    as_of: date
    sources: Mapping[str, list[str]]
    by_provider: Mapping[str, Mapping[str, ServiceModel]]

    def find(self, provider: str, model: str) -> ServiceModel | None:
        """Return a model; a dated snapshot is its model. None for an unknown one."""
        models = self.by_provider.get(provider, {})
        return models.get(model) or models.get(SNAPSHOT.sub("", model))


@lru_cache(maxsize=1)
def service_models() -> ServiceModels:
    table = read_table(TABLE)
    providers = {
        provider: {name: _read_model(name, row) for name, row in table[provider].items()}
        for provider in table["sources"]
    }
    return ServiceModels(table["as_of"], table["sources"], providers)


def _read_model(name: str, row: Mapping[str, Any]) -> ServiceModel:
    price = Price(row.get("in", 0), row.get("out", 0), row.get("audio"), row.get("minute", 0))
    return ServiceModel(name, price, row["read"], row["ends"], row.get("replacement", ""))


def price_list(provider: str, overrides: Mapping[str, Price] | None = None) -> PriceList:
    """Return the prices of a service's models; `overrides` come first."""
    listed = {name: model.price for name, model in service_models().by_provider[provider].items()}
    return PriceList(provider, listed | dict(overrides or {}))


def price_overrides(setting: str) -> dict[str, Price]:
    """Return the prices in the setting PRICES, by model."""
    prices = {}
    for entry in filter(None, (part.strip() for part in setting.split(","))):
        model, _, price = entry.rpartition("=")
        first, _, second = price.partition("/")
        prices[model] = Price(minute=float(first)) if second == "min" else Price(float(first), float(second))
    return prices
