"""Codes of jobs, datasets, storage, logs and AI providers."""

from __future__ import annotations

from shared.error_codes.code import ErrorCode, permanent, transient


class JobCode(ErrorCode):
    """Jobs and results"""

    UNKNOWN_KIND = permanent("unknown_kind", "No such kind of analysis exists.", "Choose a kind from `GET /v1/kinds`.")
    NOT_STORED = transient(
        "not_stored", "The video could not be stored, or its job was deleted meanwhile.", "Send the video again."
    )
    SOURCE_GONE = permanent(
        "source_gone",
        "The video file is not stored: it has not arrived, has expired or was deleted.",
        "Submit the video again.",
        409,
    )
    INTERRUPTED = transient(
        "interrupted",
        "A stage was cut off in every attempt, for example because it ran out of memory or time.",
        "Retry the job, or submit a shorter or smaller video.",
        None,
    )
    OUT_OF_MEMORY = transient(
        "out_of_memory",
        "A stage needs more memory than a worker process may use, or than the machine has.",
        "Submit a shorter or smaller file, raise `WORKER_MEMORY_MB` or a function's memory, or add memory.",
        None,
    )
    WORKER_CRASHED = permanent(
        "worker_crashed",
        "The worker process crashed twice in the same stage. The message names the signal or exit code.",
        "Convert the file to MP4 (H.264 and AAC), and submit it again. Report the crash with the log.",
        None,
    )
    TIMED_OUT = transient(
        "timed_out",
        "A stage ran twice for longer than its timeout.",
        "Submit a shorter or smaller file, or retry the job when the machine is less busy.",
        None,
    )
    JOB_ENDED = permanent(
        "job_ended", "The job has ended, so it cannot be cancelled.", "Nothing needs to be done.", 409
    )
    BATCH_ENDED = permanent(
        "batch_ended",
        "The batch is done or cancelled, so it cannot be cancelled and takes no files.",
        "Create another batch.",
        409,
    )
    BATCH_FULL = transient(
        "batch_full",
        "The maximum number of jobs of your batches is active, so no other file of a batch can be uploaded.",
        "Upload the next file when a job has ended.",
        429,
    )
    NOT_FAILED = permanent(
        "not_failed", "Only a failed job can be retried, and this one has not failed.", "Check the job's status.", 409
    )
    NOT_RETRYABLE = permanent(
        "not_retryable",
        "The job failed for a reason that a retry cannot change.",
        "Follow the advice in the job's error, then submit a new job.",
        409,
    )
    NOT_EXTRACTED = permanent(
        "not_extracted",
        "The video's first job has not processed the file yet.",
        "Wait until that job is done, then send the request again.",
        409,
    )
    NOT_DONE = permanent(
        "not_done", "The job is not done, so it has no result.", "Wait until its status is `done`.", 409
    )
    NO_RECIPE = permanent("no_recipe", "The video contains no recipe.", "Submit another video.", 409)
    NO_TRANSCRIPT = permanent(
        "no_transcript",
        "The job has no transcript. The message says why: no audio, silence, no speech, or no speech recognition.",
        "Submit a video with speech or subtitles. If it was not transcribed, configure a speech model or an AI key.",
        409,
    )
    FORMAT_UNKNOWN = permanent(
        "format_unknown",
        "Results of this kind cannot be exported in this format.",
        "Choose a format that the message lists.",
    )
    SERVINGS_UNKNOWN = permanent(
        "servings_unknown",
        "The result cannot be scaled or converted: it is not a recipe, or the video does not state its servings.",
        "Omit `servings` and `units`; for a recipe without servings, only `servings`.",
    )


class DatasetCode(ErrorCode):
    """Datasets"""

    TOO_MANY_IMAGES = permanent(
        "too_many_images", "The dataset requests more images than the limit allows.", "Request fewer images."
    )
    TOO_MANY_LISTS = permanent(
        "too_many_lists", "The dataset has the maximum number of lists.", "Combine several lists into one.", 409
    )
    BAD_LIST = permanent(
        "bad_list",
        "The list of image addresses cannot be read, is empty or is too long.",
        "Send text, CSV or JSON lines with one address per line or a column `url`.",
    )
    NOTHING_TO_CRAWL = permanent(
        "nothing_to_crawl",
        "The dataset has neither keywords with sources nor a list.",
        "Add keywords and sources, or upload a list.",
    )
    DATASET_STARTED = permanent(
        "dataset_started",
        "The dataset has been started, so no list can be added.",
        "Create another dataset for more addresses.",
        409,
    )
    DATASET_RUNNING = permanent(
        "dataset_running", "The dataset is running.", "Stop it first, or wait until it ends.", 409
    )
    DATASET_ENDED = permanent(
        "dataset_ended", "The dataset has ended, so it cannot be started.", "Retry it to process failed chunks.", 409
    )
    NOT_RUNNING = permanent(
        "not_running", "The dataset is not running, so it cannot be stopped.", "Nothing needs to be done.", 409
    )
    NOTHING_FAILED = permanent(
        "nothing_failed", "No chunk of the dataset has failed.", "Nothing needs to be retried.", 409
    )
    NO_IMAGES = permanent("no_images", "The dataset has no images yet.", "Start the dataset first.", 409)
    NOT_VALIDATED = permanent("not_validated", "The image has no verdict yet.", "Validate the dataset first.", 409)
    ENGINE_BLOCKED = transient(
        "engine_blocked",
        "A search engine refuses requests from this server.",
        "Retry later, or use another source.",
        None,
    )
    ENGINE_UNREADABLE = permanent(
        "engine_unreadable",
        "The response of a search engine has an unknown format or exceeds the size limit.",
        "Update Clipwise, or use another source.",
        None,
    )


class StorageCode(ErrorCode):
    """Uploads and download links"""

    LINK_INVALID = permanent("link_invalid", "The signature of the link is not valid.", "Request a new link.", 403)
    LINK_EXPIRED = permanent("link_expired", "The link has expired.", "Request a new link.", 410)
    OBJECT_NOT_FOUND = permanent(
        "object_not_found", "The object behind the link was deleted.", "Check the status of its job.", 404
    )
    RANGE_NOT_SATISFIABLE = permanent(
        "range_not_satisfiable", "The `Range` lies behind the end of the object.", "Request a range inside it.", 416
    )
    RANGE_INVALID = permanent(
        "range_invalid",
        "The `Content-Range` is malformed or does not fit the body.",
        "Send `bytes FIRST-LAST/TOTAL` for the bytes in the body.",
        400,
    )
    SIZE_MISMATCH = permanent(
        "size_mismatch",
        "The total size differs from the size with which the upload was started.",
        "Send the announced size, or start a new upload.",
        400,
    )
    UPLOAD_TOO_LARGE = permanent(
        "upload_too_large", "The upload exceeds the size with which it was started.", "Start a new upload.", 413
    )
    UPLOAD_NOT_FOUND = permanent(
        "upload_not_found", "The upload does not exist, or was cancelled.", "Start a new upload.", 404
    )
    UPLOAD_EXPIRED = permanent(
        "upload_expired",
        "The video was not uploaded within `UPLOAD_TTL_SEC`, or its upload sent more bytes than it announced.",
        "Start a new upload.",
        410,
    )


class LogCode(ErrorCode):
    """Logs and notes"""

    CAPTIONS_UNREADABLE = permanent(
        "captions_unreadable",
        "The captions of a post cannot be parsed; the job goes on without them.",
        "Upload the video itself if its speech matters.",
        None,
    )
    MAIL_DELAYED = transient(
        "mail_delayed",
        "The mail server is unreachable or rejects the mail for now; Clipwise tries again.",
        "Check the `SMTP_…` settings if it continues.",
        None,
    )
    MAIL_REFUSED = permanent(
        "mail_refused",
        "The mail server rejected the mail permanently.",
        "Check the address and the `SMTP_…` settings.",
        None,
    )
    STRAY_OBJECT = permanent(
        "stray_object", "An object in the bucket `uploads` belongs to no job.", "Delete the object.", None
    )
    JOB_ACTIVE = permanent(
        "job_active", "A video was to be deleted while its job still needs it.", "Report it: this is a bug.", None
    )


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
    PROVIDER_MODEL_MISSING = permanent(
        "provider_model_missing",
        "The service has retired the configured model, or the server does not have it.",
        "Set another model, or install it as the message says.",
        502,
    )
    PROVIDER_TIMEOUT = permanent(
        "provider_timeout",
        "A compatible server sent nothing for as long as `AI_TIMEOUT_SEC` allows.",
        "Raise `AI_TIMEOUT_SEC`, or use a smaller model or a faster machine.",
        504,
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
        "The embedding model returns vectors that are too large to be stored.",
        "Set `OPENAI_EMBED_DIMENSIONS`, or choose another embedding model.",
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
        "The speech model cannot be loaded.",
        "Install it again with `clipwise models install`, or put a faster-whisper model into `WHISPER_MODEL_DIR`.",
        None,
    )
