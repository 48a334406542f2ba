"""Types of settings whose texts have a form: URLs, languages, rates, hosts and orders of names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated, Any

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

PROVIDER_NAMES = ("openai", "gemini", "offline")
SOURCE_NAMES = ("apify", "yt-dlp", "http")


def _pattern_validator(pattern: str, sentence: str, separator: str | None = None) -> AfterValidator:
    """Reject, with `sentence`, values that do not fully match `pattern`; with a separator, check each part."""

    def check(value: str) -> str:
        parts = [part.strip() for part in value.split(separator)] if separator else [value]
        if not all(re.fullmatch(pattern, part) for part in parts if part):
            raise PydanticCustomError("shape", "{sentence}", {"sentence": sentence})
        return value

    return AfterValidator(check)


def _order_of(names: Sequence[str]) -> AfterValidator:
    """Accept `auto`, or some of the names in any order, separated by commas."""
    name = f"({'|'.join(names)})"
    sentence = f"It must be auto, or one or more of {', '.join(names)}, separated by commas"
    return _pattern_validator(rf"\s*(auto|{name}(,{name})*)\s*", sentence)


ProviderOrder = Annotated[str, _order_of(PROVIDER_NAMES)]
SourceOrder = Annotated[str, _order_of(SOURCE_NAMES)]
ModelName = Annotated[str, _pattern_validator(r"[a-z-]+", "It must be auto, off or the name of a model")]
Url = Annotated[
    str, _pattern_validator(r"https?://[^\s/?#]+(/[^\s?#]*)?", "It must begin with http:// or https:// and a host")
]
Language = Annotated[
    str,
    _pattern_validator(
        r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", "It must be a BCP-47 language tag such as en, de or pt-BR"
    ),
]
Origins = Annotated[
    str,
    _pattern_validator(
        r"https?://[^\s/?#]+/?", "Each must be an origin such as https://app.example.com", separator=","
    ),
]
Rate = Annotated[
    str,
    _pattern_validator(
        r"[1-9][0-9]{0,5}/(second|minute|hour|day)|off",
        "It must be a number and a unit of time such as 100/minute (second, minute, hour, day), or off",
    ),
]
Prices = Annotated[
    str,
    _pattern_validator(
        r"[^\s,=]+=[0-9]*\.?[0-9]+/([0-9]*\.?[0-9]+|min)",
        "Each must be a model and its price, such as my-model=0.5/2 (million tokens in/out) or my-whisper=0.006/min",
        separator=",",
    ),
]


def _check_hosts(value: str) -> str:
    """Reject entries that the URL guard could not compare: each is a host or an address, and a port."""
    for pair in filter(None, (part.strip() for part in value.split(","))):
        host, _, port = pair.rpartition(":")
        if _is_host(host) and re.fullmatch("[0-9]{1,5}", port) and 1 <= int(port) <= 65535:
            continue
        raise PydanticCustomError("shape", "Each must be a host and a port from 1 to 65535, such as nas:8080")
    return value


def _is_host(text: str) -> bool:
    """Return True for a host name, or for an IPv4 or IPv6 address as it is written in links."""
    try:
        if text.startswith("["):
            return text.endswith("]") and "%" not in text and bool(IPv6Address(text[1:-1]))
        if text.rpartition(".")[2].isdecimal():
            return bool(IPv4Address(text))
    except ValueError:
        return False
    return bool(re.fullmatch(r"[^\s/:@?#%\[\].]{1,63}(\.[^\s/:@?#%\[\].]{1,63})*\.?", text))


HostsAndPorts = Annotated[str, AfterValidator(_check_hosts)]


def describe_allowed_values(schema: dict[str, Any]) -> str:
    """Describe the values that a setting allows, from its JSON Schema, such as `a whole number greater than 0`."""
    schema = next((option for option in schema.get("anyOf", ()) if option["type"] != "null"), schema)
    if choices := schema.get("enum"):
        *others, last = filter(None, choices)
        return f"{', '.join(others)} or {last}"
    kind = {"boolean": "true or false", "integer": "a whole number", "number": "a number"}[schema["type"]]
    limits = (("exclusiveMinimum", "greater than"), ("minimum", "of at least"), ("maximum", "at most"))
    bounds = [f"{words} {schema[key]:g}" for key, words in limits if key in schema]
    return " ".join(filter(None, (kind, " and ".join(bounds))))
