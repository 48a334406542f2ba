"""The data folder's own secret, and keys that follow from it."""

from __future__ import annotations

import hmac
import os
import secrets
from pathlib import Path

from shared.settings import Settings


def signing_key(settings: Settings) -> bytes:
    """SIGNING_KEY, or the folder's own, which is made once."""
    return settings.signing_key.encode() or _folder_key(settings.clipwise_data / "signing.key")


def derive_key(key: bytes, purpose: str) -> bytes:
    """32 bytes for one purpose alone: what is signed for one is worth nothing for another (HKDF-Expand, RFC 5869)."""
    return hmac.digest(key, purpose.encode() + b"\1", "sha256")


def _folder_key(path: Path) -> bytes:
    """The key in the file, which is made once: a link to a finished file, so that no process reads half of it."""
    if not path.exists():
        draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            pass  # another process was first
        finally:
            draft.unlink()
    return path.read_bytes()
