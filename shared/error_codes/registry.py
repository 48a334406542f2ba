"""The registry of error codes: each code once, with its HTTP status, its meaning and what to do about it.

Code raises an error with the code as a string, `PermanentError("too_large", "…")`, so that a search for the code on the
wire leads to the line that raises it. Code that branches on a code names the member: `MediaCode.TOO_LONG`. A test reads
the source and fails for a code without an entry, an entry without a site, and a site whose class contradicts its entry.

`python -m infra.reference` writes docs/errors.md from the registry.
"""

from __future__ import annotations

from shared.error_codes.api import AccountCode, ChatCode, LibraryCode, RequestCode
from shared.error_codes.code import ErrorCode
from shared.error_codes.jobs import DatasetCode, JobCode, LogCode, ProviderCode, StorageCode
from shared.error_codes.videos import MediaCode, SourceCode, VideoCode

GROUPS: tuple[type[ErrorCode], ...] = (
    RequestCode,
    AccountCode,
    JobCode,
    LibraryCode,
    ChatCode,
    DatasetCode,
    VideoCode,
    SourceCode,
    MediaCode,
    ProviderCode,
    StorageCode,
    LogCode,
)
CODES: dict[str, ErrorCode] = {str(code): code for group in GROUPS for code in group}
