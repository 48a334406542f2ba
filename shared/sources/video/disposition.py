"""The file name in a Content-Disposition header (RFC 6266).

Not the email package's parser: it raises on some malformed headers, and these come from strangers.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from shared.security.filenames import safe_filename

_MAX_LENGTH = 4096
_PARAMETER = re.compile(r';\s*([^\s=;"]+)\s*=\s*("(?:\\.|[^"\\])*"|[^;]*)', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def disposition_filename(header: str) -> str | None:
    """The name, fit to be shown; the encoded form goes before the plain one. None when there is none."""
    values: dict[str, str] = {}
    for name, value in _PARAMETER.findall(f";{header}"[:_MAX_LENGTH]):
        values.setdefault(name.lower(), value)
    return safe_filename(_decode_extended(values.get("filename*", ""))) or safe_filename(
        _unquote(values.get("filename", ""))
    )


def _unquote(value: str) -> str:
    value = value.strip()
    if len(value) > 1 and value.startswith('"') and value.endswith('"'):
        return _ESCAPED.sub(r"\1", value[1:-1])
    return value.strip('"')


def _decode_extended(value: str) -> str:
    """`charset'language'percent-encoded` (RFC 8187)."""
    charset, _, remainder = _unquote(value).partition("'")
    encoded = unquote_to_bytes(remainder.partition("'")[2])
    try:
        return encoded.decode(charset, errors="replace")
    except (LookupError, ValueError):  # no such charset; one with a NUL in its name
        return encoded.decode("utf-8", errors="replace")
