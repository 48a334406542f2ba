"""Codes of requests, accounts, groups, share links, webhooks, feeds and chat."""

from __future__ import annotations

from shared.error_codes.code import ErrorCode, permanent, transient


class RequestCode(ErrorCode):
    """Requests"""

    BAD_JSON = permanent("bad_json", "The request body is not valid JSON.", "Correct the JSON and send it again.", 400)
    BAD_FORM = permanent(
        "bad_form",
        "The multipart form cannot be parsed, or is not encoded in UTF-8.",
        "Send the documented fields as `multipart/form-data` in UTF-8.",
        400,
    )
    BAD_REQUEST = permanent(
        "bad_request", "The request body cannot be decoded.", "Send JSON that is encoded in UTF-8.", 400
    )
    UNSUPPORTED_BODY = permanent(
        "unsupported_body",
        "The endpoint does not accept this `Content-Type`.",
        "Send `application/json`, or `multipart/form-data` for a file.",
        415,
    )
    INVALID_REQUEST = permanent(
        "invalid_request",
        "A field is missing, unknown or invalid. The earlier ask-video paths answer 400 instead of 422.",
        "Correct each field listed in `errors`.",
    )
    TOO_LARGE = permanent(
        "too_large",
        "A file exceeds `API_MAX_FILE_SIZE_MB`, or `MAX_FILE_SIZE_MB` on the earlier systems' paths, or a JSON body "
        "exceeds its limit. In the cloud, Google answers a request above 32 MiB itself: status 413 with an HTML page.",
        "Send a smaller file or body. Send a file above 32 MiB with POST /v1/uploads.",
        413,
    )
    BAD_CURSOR = permanent(
        "bad_cursor", "The cursor does not belong to this list.", "Request the first page, without a cursor."
    )
    KEY_REUSED = permanent(
        "key_reused",
        "The `Idempotency-Key` was used before, with a different request.",
        "Use a new key for each new request.",
        409,
    )
    NOT_FOUND = permanent(
        "not_found",
        "The path or the object does not exist, or the object belongs to another user.",
        "Check the path and the id.",
        404,
    )
    METHOD_NOT_ALLOWED = permanent(
        "method_not_allowed",
        "The path does not support this HTTP method, or the origin of a preflight request is not allowed.",
        "Use a method listed in the `Allow` header, or add the origin to `FRONTEND_URL`.",
        405,
    )
    FOREIGN_PAGE = permanent(
        "foreign_page",
        "Without sign-in, the server accepts requests only for its own host name and from allowed origins.",
        "Set `PUBLIC_URL` to the address that clients use, or add the origin to `FRONTEND_URL`.",
        403,
    )
    RATE_LIMITED = transient(
        "rate_limited",
        "A rate limit is exceeded.",
        "Wait for the number of seconds in the `Retry-After` header.",
        429,
    )
    BUSY = transient(
        "busy",
        "Too many requests change the same object at once, or use the server's memory.",
        "Send the request again.",
    )
    STORAGE_BUSY = transient(
        "storage_busy",
        "The data folder's database is locked, or cannot be opened for the moment.",
        "Send the request again after the number of seconds in the `Retry-After` header. Jobs continue by themselves.",
    )
    STORAGE_FULL = transient(
        "storage_full",
        "The disk that holds the data folder or the temporary files is full.",
        "Free some space. Jobs continue by themselves; send the request again.",
        507,
    )
    STORAGE_DAMAGED = transient(
        "storage_damaged",
        "A part of the data folder's database cannot be read. Other parts stay readable.",
        "Restore the data folder from a backup, or recover what is readable. docs/data-folder.md describes both.",
        500,
    )
    DISCONNECTED = transient(
        "disconnected", "The connection closed before the whole request arrived.", "Send the request again.", 400
    )
    NOT_SENT = transient("not_sent", "A message could not be published.", "Send the request again later.")
    NOT_CONFIGURED = permanent(
        "not_configured",
        "The server lacks a setting that this feature needs.",
        "Set the variable that the message names.",
        501,
    )
    INTERNAL = transient(
        "internal",
        "Clipwise failed unexpectedly. The message contains an incident id, which the log has too.",
        "Try again later. If that does not help, find the incident in the log, or report it.",
        500,
    )


class AccountCode(ErrorCode):
    """Accounts"""

    UNAUTHENTICATED = permanent(
        "unauthenticated",
        "The request has no token, or its token is invalid or expired.",
        "Sign in and send the token as `Authorization: Bearer …`.",
        401,
    )
    WRONG_CREDENTIALS = permanent(
        "wrong_credentials",
        "The user name or the password is wrong.",
        "Correct it, or reset the password.",
        401,
    )
    KEY_INVALID = permanent(
        "key_invalid",
        "The API key does not exist, or was revoked.",
        "Create a new key, and send it as `Authorization: Bearer …`.",
        401,
    )
    KEY_EXPIRED = permanent("key_expired", "The API key has expired.", "Create a new key.", 401)
    KEY_SCOPE = permanent(
        "key_scope",
        "The API key lacks the scope that the request requires.",
        "Use a key with the scope that the message names.",
        403,
    )
    SESSION_REQUIRED = permanent(
        "session_required",
        "No API key may do this: it concerns the account, its keys, or all users.",
        "Sign in, and send the access token of the session.",
        403,
    )
    TOO_MANY_KEYS = permanent("too_many_keys", "You have the maximum number of API keys.", "Revoke a key first.", 409)
    NOT_ADMIN = permanent(
        "not_admin",
        "The action concerns all users, and the account is not an administrator.",
        "Add the account's verified e-mail address to `ADMINS`, or its claim `admin` in Firebase.",
        403,
    )
    WRONG_PASSWORD = permanent(
        "wrong_password",
        "The current password is wrong, so the account was not changed.",
        "Send the correct current password.",
        403,
    )
    UNVERIFIED = permanent(
        "unverified",
        "The e-mail address of the account is not verified.",
        "Open the link in the verification mail, or reset the password.",
        403,
    )
    LOGIN_AGAIN = permanent(
        "login_again", "The session is too old for this action.", "Sign in again, then repeat the request.", 403
    )
    NOT_OFFERED = permanent(
        "not_offered",
        "This server, or this type of account, does not support the action.",
        "Use the way to sign in that the message names.",
        403,
    )
    USERNAME_TAKEN = permanent("username_taken", "Another account has this user name.", "Choose another one.", 409)
    INVALID_USERNAME = permanent(
        "invalid_username",
        "The user name is empty, too long or contains a character that is not allowed.",
        "Choose a user name that follows the rule in the message.",
    )
    INVALID_EMAIL = permanent(
        "invalid_email", "The e-mail address is not valid, or cannot receive mail.", "Correct the address."
    )
    WEAK_PASSWORD = permanent(
        "weak_password",
        "The password is too short, too long or too easy to guess.",
        "Choose a password that follows the rule in the message.",
    )
    TOKEN_INVALID = permanent(
        "token_invalid",
        "The token from a mail is invalid, expired or already used.",
        "Request a new mail.",
        400,
    )
    IDENTITY_UNAVAILABLE = transient(
        "identity_unavailable", "The identity service does not respond.", "Try again later."
    )


class LibraryCode(ErrorCode):
    """Groups, share links, webhooks and feeds"""

    NO_SUCH_VIDEO = permanent(
        "no_such_video", "You have no video with this id.", "Choose a video from `GET /v1/videos`."
    )
    GROUP_FULL = permanent("group_full", "The group holds the maximum number of videos.", "Create another group.")
    ORDER_MISMATCH = permanent(
        "order_mismatch",
        "The order does not name each video of the group exactly once.",
        "Get the group again and send all its videos in the new order.",
    )
    EXPIRED_ALREADY = permanent(
        "expired_already", "The share link or API key would expire in the past.", "Choose a time in the future."
    )
    TOO_MANY_WEBHOOKS = permanent(
        "too_many_webhooks", "You have the maximum number of webhooks.", "Delete a webhook first.", 409
    )
    TOO_MANY_FEEDS = permanent("too_many_feeds", "You have the maximum number of feeds.", "Delete a feed first.", 409)
    NOTHING_TO_SEND = permanent(
        "nothing_to_send",
        "The job of this delivery was deleted, so the delivery cannot be replayed.",
        "Nothing needs to be done.",
        409,
    )
    WEBHOOK_PAUSED = permanent("webhook_paused", "The webhook is paused.", "Resume the webhook first.", 409)


class ChatCode(ErrorCode):
    """Chat"""

    CHAT_NOT_SHARED = permanent(
        "chat_not_shared", "The share link does not allow questions.", "Ask the owner for a link that does.", 403
    )
    NO_SUBJECT = permanent(
        "no_subject",
        "The request does not name exactly one chat history.",
        "Send exactly one of `groupId`, `videoId` and `library`.",
    )
    NO_QUESTION = permanent(
        "no_question", "No message has the role `user`.", "Send the question as a message with the role `user`."
    )
    SYSTEM_REFUSED = permanent(
        "system_refused", "Messages with the role `system` are not accepted.", "Send the question with the role `user`."
    )
    UNKNOWN_MODEL = permanent(
        "unknown_model",
        "No model of the OpenAI-compatible paths has this name: the group does not exist or is not yours.",
        "Use an `id` from `GET /v1/openai/models`.",
        404,
    )
    QUESTION_TOO_LONG = permanent(
        "question_too_long", "The question exceeds the limit in the message.", "Shorten the question."
    )
    LEFT = transient(
        "left",
        "The client closed the stream before the answer ended. Only the `error` of a stored message has this code.",
        "Send the question again.",
        None,
    )
