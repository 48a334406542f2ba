"""A provider's schema, read out of the bindings that PyPI has (`cdktf-cdktf-provider-google` and its like).

The bindings are generated from the provider's schema, and carry their TypeScript in source maps: there, each attribute
has a comment that says whether it is computed, optional or required, and a table of how it is written in HCL.
"""

from __future__ import annotations

import base64
import json
import os
import re
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SOURCES = re.compile(r"sourceMappingURL=data:application/json;base64,(\S+)")
EXPORT = re.compile(r"^export (?:class|interface|function) (\w+)", re.M)
ATTRIBUTE = re.compile(
    r"^  // (\w+) - computed: (\w+), optional: (\w+), required: (\w+)\n(.*?)(?=^  // \w+ - |\Z)", re.M | re.S
)
WRITTEN = re.compile(
    r"^ {4,6}(\w+): \{\s*value: (.*?),\s*isBlock: (\w+),\s*type: \"(\w+)\",\s*storageClassType: \"(\w+)\",\s*\}",
    re.M | re.S,
)
GETTER = re.compile(r"this\.get(String|Number|Boolean|List|NumberList|StringMap|BooleanMap)Attribute\('")
HELD = re.compile(r"new (?:cdktf\.)?(\w+)\(this, \"\w+\"")
MAIN = re.compile(r"^export class \w+ extends cdktf\.Terraform(Resource|DataSource|Provider)\b")
SIMPLE = {"string": "string", "number": "number", "boolean": "bool", "any": "string"}
GOT = {
    "String": "string",
    "Number": "number",
    "Boolean": "bool",
    "List": ["list", "string"],
    "NumberList": ["list", "number"],
    "StringMap": ["map", "string"],
    "BooleanMap": ["map", "bool"],
    "NumberMap": ["map", "number"],
}


@dataclass(frozen=True)
class Source:
    """One resource's TypeScript, in parts by name."""

    parts: dict[str, str]

    def block(self, name: str, written_by: str) -> dict[str, Any]:
        """`{attributes, blocks}` of a class; `written_by` is the function or class with its table of HCL."""
        written = {match[1]: match.groups()[1:] for match in WRITTEN.finditer(self.parts.get(written_by, ""))}
        attributes: dict[str, Any] = {}
        blocks: dict[str, Any] = {}
        for field, computed, optional, required, body in ATTRIBUTE.findall(self.parts.get(name, "")):
            flags = {"computed": computed == "true", "optional": optional == "true", "required": required == "true"}
            if field not in written:
                attributes[field] = {"type": self.held(body), **flags}
                continue
            value, is_block, kind, storage = written[field]
            if is_block == "true":
                blocks[field] = self.nested(value, kind, storage, flags)
            else:
                attributes[field] = {"type": simple(kind, storage), **flags}
        return {"attributes": attributes, "blocks": blocks}

    def nested(self, value: str, kind: str, storage: str, flags: dict[str, bool]) -> dict[str, Any]:
        base = storage if kind == "struct" else storage.removesuffix("List")
        writer = base[0].lower() + base[1:] + "ToHclTerraform"
        inner = self.block(f"{base}OutputReference", writer)
        if not inner["attributes"] and not inner["blocks"] and base in self.parts:
            inner = self.plain(writer)
        nesting = "single" if kind == "struct" else kind
        most = 1 if nesting != "single" and "istMapperHcl(" not in value else 0
        return {**inner, "nesting": nesting, "min": int(flags["required"] and nesting != "single"), "max": most}

    def plain(self, writer: str) -> dict[str, Any]:
        """A block of which nothing is computed, known by its table only."""
        found = WRITTEN.finditer(self.parts.get(writer, ""))
        free = {"computed": False, "optional": True, "required": False}
        return {"attributes": {each[1]: {"type": simple(each[4], each[5]), **free} for each in found}, "blocks": {}}

    def held(self, body: str) -> Any:
        """The type of an attribute that is only computed."""
        if got := GETTER.search(body):
            return GOT[got[1]]
        holder = HELD.search(body)
        if holder is None:
            return "string"
        if holder[1] in GOT:
            return GOT[holder[1]]
        inner = self.block(holder[1].removesuffix("List") + "OutputReference", "")
        return ["list", ["object", {name: each["type"] for name, each in inner["attributes"].items()}]]


def simple(kind: str, storage: str) -> Any:
    if kind == "simple":
        return SIMPLE[storage]
    inner = next((name for prefix, name in SIMPLE.items() if storage.startswith(prefix)), "string")
    return [kind, inner]


def convert(script: str) -> dict[str, Any]:
    """The schema of one resource, data source or of the provider itself, from its module's index.js."""
    found = SOURCES.search(script)
    assert found, "the bindings carry no source map"
    text = json.loads(base64.b64decode(found[1]))["sourcesContent"][0]
    starts = [(match.start(), match[1]) for match in EXPORT.finditer(text)]
    ends = [start for start, _ in starts[1:]] + [len(text)]
    parts: dict[str, str] = {}
    for (start, name), end in zip(starts, ends, strict=True):
        parts[name] = parts.get(name, "") + text[start:end]
    main = next(name for name, part in parts.items() if MAIN.search(part))
    return Source(parts).block(main, main)


def schemas(archive: Path, cache: Path, provider: str, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Schemas by name: `provider`, a resource's type, or `data.` and a data source's type.

    What is not in the folder `cache` yet is read from the archive, which takes seconds. Raises KeyError on a type that
    the provider does not have.
    """
    wanted = set(names)
    missing = {name for name in wanted if not (cache / f"{name}.json").exists()}
    if missing:
        cache.mkdir(parents=True, exist_ok=True)
        modules = {f"package/lib/{module(provider, name)}/index.js": name for name in missing}
        with tarfile.open(archive) as bundle:
            for member in bundle:
                if name := modules.pop(member.name, None):
                    script = bundle.extractfile(member)
                    assert script is not None
                    keep(cache / f"{name}.json", json.dumps(convert(script.read().decode()), indent=1))
        if modules:
            raise KeyError(f"the provider has no {', '.join(sorted(modules.values()))}")
    return {name: json.loads((cache / f"{name}.json").read_text(encoding="utf-8")) for name in sorted(wanted)}


def keep(path: Path, text: str) -> None:
    """Others who start at the same time see the whole file or none."""
    partial = path.with_suffix(f".{os.getpid()}")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def module(provider: str, name: str) -> str:
    if name == "provider":
        return "provider"
    kind, _, type_name = name.rpartition(".")
    # Only google-beta's modules keep the prefix of the types.
    own = type_name if provider == "google-beta" else type_name.partition("_")[2]
    return (f"data-{provider}-" if kind else "") + own.replace("_", "-")
