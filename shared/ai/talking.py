"""What the services' ways of holding a conversation have in common."""

from __future__ import annotations

from shared.errors import PermanentError

MAX_CHAT_TOKENS = 4_000
"""Tokens an answer may take."""
BYTES_PER_TOKEN = 4
ESTIMATE_NOTE = "The service did not tell what an answer took; its tokens are an estimate."


def estimate_tokens(*texts: str) -> int:
    """About how many tokens the texts are, where the service did not come to say it."""
    return -(-sum(len(text.encode()) for text in texts) // BYTES_PER_TOKEN)


def chat_refused_error(reason: str) -> PermanentError:
    return PermanentError("refused", f"The AI declined to answer ({reason}). Rephrase the question.")


def chat_too_long_error() -> PermanentError:
    return PermanentError(
        "answer_too_long", "The answer exceeded the length limit and was cut off. Ask for less at a time."
    )
