"""Codes of AI providers and of speech models."""

from __future__ import annotations

from shared.error_codes.code import ErrorCode, permanent, transient


class ProviderCode(ErrorCode):
    """AI providers"""

    BUDGET_EXCEEDED = permanent(
        "budget_exceeded",
        "The monthly AI budget of the user is used up.",
        "Wait for the next month, or raise `MONTHLY_BUDGET_USD`.",
        402,
    )
    REFUSED = permanent("refused", "The AI model declined to answer.", "Use another video, question or provider.")
    ANSWER_TOO_LONG = permanent(
        "answer_too_long",
        "The AI response exceeded its length limit.",
        "Use a shorter video or ask for less at a time.",
    )
    ANSWER_INVALID = transient("answer_invalid", "The AI response cannot be used.", "Try again later.")
    PROVIDER_CANNOT = permanent(
        "provider_cannot",
        "None of the configured providers supports this task.",
        "Configure a provider that does.",
    )
    PROVIDER_KEY_MISSING = permanent(
        "provider_key_missing",
        "The selected provider has no API key.",
        "Set the variable that the message names.",
        502,
    )
    PROVIDER_KEY_INVALID = permanent(
        "provider_key_invalid", "The provider rejected the API key or identity.", "Set a valid key.", 502
    )
    PROVIDER_REQUEST_INVALID = permanent(
        "provider_request_invalid",
        "The provider rejected the request.",
        "Check the base URL and the model names in the settings.",
        502,
    )
    PROVIDER_QUOTA = transient(
        "provider_quota", "The quota of the provider account is used up.", "Check its billing, then try again."
    )
    PROVIDER_BUSY = transient("provider_busy", "The provider accepts no more requests at present.", "Try again later.")
    PROVIDER_UNAVAILABLE = transient("provider_unavailable", "The provider does not respond.", "Try again later.")
    EMBEDDING_DIMENSIONS = permanent(
        "embedding_dimensions",
        "The embedding model returns vectors of the wrong size.",
        "Choose another embedding model.",
    )
    VIDEO_NOT_ACCEPTED = permanent(
        "video_not_accepted",
        "Gemini cannot read the file.",
        "Convert the video to MP4 (H.264), or use another provider.",
        None,
    )
    SPEECH_MODEL_MISSING = permanent(
        "speech_model_missing",
        "`WHISPER_MODEL_DIR` is set, but the folder, a file in it or the package faster-whisper is missing.",
        "Install what the message names, or unset the variable.",
        None,
    )
    SPEECH_MODEL_INVALID = permanent(
        "speech_model_invalid",
        "The speech model in `WHISPER_MODEL_DIR` cannot be loaded.",
        "Put a faster-whisper model into the folder.",
        None,
    )
