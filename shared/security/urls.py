"""URLs from users: strict parsing, and the canonical form in which equal URLs are equal."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import quote, unquote_plus

from shared.errors import PermanentError

MAX_URL_LENGTH = 8192
MAX_HOST_LENGTH = 253
DEFAULT_PORTS = {"http": 80, "https": 443}

# RFC 3986, appendix B, without the fragment. Not urllib's parser, which drops characters silently.
_PARTS = re.compile(r"([a-z][a-z0-9+.-]*):(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#.*)?", re.IGNORECASE | re.DOTALL)
_AUTHORITY = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]*)(?::([0-9]*))?")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_BARE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")
_RESERVED = "%:/?@!$&'()*+,;=[]"

_TRACKING = re.compile(
    r"utm_.*|fbclid|gclid|gclsrc|dclid|gbraid|wbraid|msclkid|ttclid|twclid|yclid|li_fat_id|mc_cid|mc_eid|igsh|igshid"
)
# Tracking parameters whose names have another meaning on other sites.
_SITE_TRACKING = {
    "youtube.com": {"si", "feature", "pp"},
    "youtu.be": {"si", "feature", "pp"},
    "tiktok.com": {"_r", "_t", "is_from_webapp", "sender_device", "sender_web_id", "web_id"},
}


@dataclass(frozen=True)
class WebUrl:
    """An http or https URL.

    Attributes:
        scheme: `http` or `https`.
        host: Lower case, in ASCII (IDNA 2008), no trailing dot; an IP address in its shortest form, without brackets.
        port: Always filled.
        path: Begins with a slash; percent-encoded where it must be, otherwise as given.
        query: Likewise, without the question mark; None when there is none.
    """

    scheme: str
    host: str
    port: int
    path: str
    query: str | None

    @property
    def authority(self) -> str:
        """Host and port, as in a URL and in the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def target(self) -> str:
        """Path and query, as in the request line."""
        return self.path if self.query is None else f"{self.path}?{self.query}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"


def parse_url(text: str) -> WebUrl:
    """Parse a URL; rejects any form that two parsers could read differently.

    Raises:
        PermanentError: `url_invalid`; `url_not_allowed` for another scheme than http(s), a user name or password,
            and IP addresses in odd spellings (octal, hexadecimal, one number, zone id).
    """
    text = text.strip()
    if len(text) > MAX_URL_LENGTH:
        raise _invalid_url(f"The link exceeds {MAX_URL_LENGTH} characters. Use a shorter one.")
    parts = _PARTS.fullmatch(text)
    if not parts or "." in parts[1]:
        raise _invalid_url("This is not a link. A link begins with https://.")
    if _CONTROL.search(text):
        raise _invalid_url("The link contains control characters. Copy it again.")
    scheme, authority, path, query = parts[1].lower(), parts[2], parts[3], parts[4]
    if scheme not in DEFAULT_PORTS:
        raise _url_not_allowed("This type of link is not allowed. Use one that begins with http:// or https://.")
    if not authority:
        raise _invalid_url("The link has no host name. A link looks like https://example.com/video.mp4.")
    if "@" in authority:
        raise _url_not_allowed("Links with a user name or password are not allowed. Remove that part.")
    host_and_port = _AUTHORITY.fullmatch(authority)
    if not host_and_port:
        raise _invalid_url("The host in the link is malformed. Copy the link again.")
    port = int(host_and_port[2]) if host_and_port[2] else DEFAULT_PORTS[scheme]
    if not 0 < port < 65536:
        raise _invalid_url("The port in the link is not a number from 1 to 65535. Correct it.")
    return WebUrl(
        scheme, parse_host(host_and_port[1]), port, _encode(path) or "/", None if query is None else _encode(query)
    )


def parse_host(text: str) -> str:
    """Return the canonical form of a host (see `WebUrl.host`); raises as `parse_url`."""
    if text.startswith("["):
        if "%" in text:
            raise _url_not_allowed("Addresses with a zone id belong to a local network. Use a public link.")
        try:
            return ipaddress.IPv6Address(text[1:-1]).compressed
        except ValueError:
            raise _invalid_url("The IPv6 address in the link is malformed. Correct it.") from None
    host = _to_ascii_host(text).removesuffix(".")
    labels = host.split(".")
    if len(host) > MAX_HOST_LENGTH or not all(_LABEL.fullmatch(label) for label in labels):
        raise _invalid_url("The host name in the link is malformed. Copy the link again.")
    if _NUMBER.fullmatch(labels[-1]):  # WHATWG URL, «ends in a number»: resolvers take such a host for an IPv4 address
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError:
            raise _url_not_allowed(
                "The link contains an IP address in an unusual form. Write it as four decimal numbers."
            ) from None
    return host


def normalise_url(url: str | WebUrl) -> str:
    """Return the canonical form of `url`, for comparison only: fetch the link as given.

    Lower-case scheme and host (IDN in ASCII), no default port, no fragment, dot segments resolved, escapes only where
    needed and in upper case, no tracking parameters. The order of the other parameters stays, since some servers
    depend on it: a wrong match would return the wrong video, whereas a missed match only costs a second run.

    Raises:
        PermanentError: As `parse_url`.
    """
    parsed = parse_url(url) if isinstance(url, str) else url
    path = _remove_dot_segments(_normalise_escapes(parsed.path))
    fields = [
        field
        for field in _normalise_escapes(parsed.query or "").split("&")
        if field and not _is_tracking(parsed.host, field)
    ]
    return str(WebUrl(parsed.scheme, parsed.host, parsed.port, path, "&".join(fields) or None))


def _to_ascii_host(host: str) -> str:
    host = host.lower()
    if host.isascii():
        return host
    import idna  # its tables are large, and most hosts are ASCII

    if len(host) > MAX_HOST_LENGTH:
        raise _invalid_url("The host name in the link is too long. Copy the link again.")
    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError:
        raise _invalid_url(
            "The host name in the link has characters that are not allowed. Copy the link again."
        ) from None


def _encode(text: str) -> str:
    """Percent-encode the characters that a URL must not contain."""
    try:
        return quote(_BARE_PERCENT.sub("%25", text), safe=_RESERVED)
    except UnicodeEncodeError:
        raise _invalid_url("The link has characters that cannot be encoded. Copy it again.") from None


def _normalise_escapes(text: str) -> str:
    """Decode needless escapes and write the others in upper case (RFC 3986, 6.2.2)."""

    def replace(escape: re.Match[str]) -> str:
        character = chr(int(escape[1], 16))
        return character if _UNRESERVED.fullmatch(character) else escape[0].upper()

    return _ESCAPE.sub(replace, text)


def _remove_dot_segments(path: str) -> str:
    """Resolve `.` and `..` in an absolute path (RFC 3986, 5.2.4)."""
    resolved: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del resolved[-1:]
        elif segment != ".":
            resolved.append(segment)
    if segments[-1] in (".", ".."):
        resolved.append("")
    return "/" + "/".join(resolved)


def _is_tracking(host: str, field: str) -> bool:
    name = unquote_plus(field.partition("=")[0]).lower()
    site = ".".join(host.split(".")[-2:])
    return _TRACKING.fullmatch(name) is not None or name in _SITE_TRACKING.get(site, ())


def _invalid_url(message: str) -> PermanentError:
    return PermanentError("url_invalid", message)


def _url_not_allowed(message: str) -> PermanentError:
    return PermanentError("url_not_allowed", message)
