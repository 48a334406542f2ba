"""Codes of videos on platforms, of links and of files."""

from __future__ import annotations

from shared.error_codes.code import ErrorCode, either, permanent, transient


class VideoCode(ErrorCode):
    """Videos on platforms"""

    VIDEO_PRIVATE = permanent(
        "video_private", "The video is private.", "Ask its author for access, or upload the file.", None
    )
    VIDEO_UNAVAILABLE = permanent(
        "video_unavailable",
        "The video was removed, or is not available to everyone.",
        "Open the link in a browser to check it.",
        None,
    )
    VIDEO_AGE_RESTRICTED = permanent(
        "video_age_restricted",
        "The platform restricts the video to signed-in adults.",
        "Download the video yourself and upload the file.",
        None,
    )
    VIDEO_LOGIN_REQUIRED = permanent(
        "video_login_required",
        "The platform restricts the video to members or buyers.",
        "Choose another video, or upload a file that you own.",
        None,
    )
    VIDEO_LIVE = permanent(
        "video_live",
        "The video is a live stream, or has not started.",
        "Submit the link again after the stream has ended.",
        None,
    )
    VIDEO_PROTECTED = permanent("video_protected", "The video is protected by DRM.", "Choose another video.", None)
    VIDEO_REGION_LOCKED = permanent(
        "video_region_locked",
        "The video is not available in the country of this server.",
        "Upload the file instead.",
        None,
    )


class SourceCode(ErrorCode):
    """Links and sources"""

    URL_INVALID = permanent("url_invalid", "The link is not a valid URL.", "Copy the link again, from https:// on.")
    URL_NOT_ALLOWED = permanent(
        "url_not_allowed",
        "The link leads to a private network, a blocked port or a scheme that is not allowed.",
        "Use a public http or https link. For a trusted host, set `ALLOW_HOSTS`.",
    )
    URL_UNRESOLVABLE = either(
        "url_unresolvable",
        "DNS has no address for the host of the link (422), or did not respond (503).",
        "Check the spelling of the host and the server's internet connection. After status 503, try again later.",
    )
    NOT_A_VIDEO = permanent(
        "not_a_video",
        "The link leads to a profile or a list, not to one video.",
        "Open the video on the platform and share its own link.",
        None,
    )
    SOURCE_NOT_FOUND = permanent(
        "source_not_found", "Nothing exists at the link (status 404 or 410).", "Check the link."
    )
    SOURCE_FORBIDDEN = permanent(
        "source_forbidden",
        "The server denies access to the file (status 401, 403, 407 or 451).",
        "Upload the file instead.",
    )
    SOURCE_REFUSED = permanent(
        "source_refused", "The server rejected the request with another 4xx status.", "Upload the file instead."
    )
    SOURCE_UNTRUSTED = permanent(
        "source_untrusted",
        "The TLS certificate of the server is not valid for its host name.",
        "Use another link, or upload the file.",
    )
    SOURCE_REDIRECTS = permanent(
        "source_redirects",
        "The link redirects too many times, or to no address.",
        "Use the address at which the redirects end.",
    )
    SOURCE_ENCODED = permanent(
        "source_encoded",
        "The server sends the file only compressed.",
        "Use the address of the file itself, or upload the file.",
    )
    SOURCE_UNAVAILABLE = transient(
        "source_unavailable", "The server cannot be reached, or answers with a temporary error.", "Try again later."
    )
    SOURCE_UNREADABLE = permanent(
        "source_unreadable",
        "The response of a paid source cannot be read. Another request would be paid for again, so none is made.",
        "Upload the file, or choose another actor in the settings.",
        None,
    )
    SOURCE_SLOW = transient(
        "source_slow", "The server or the service did not finish in time.", "Try again later, or upload the file."
    )
    SOURCE_INCOMPLETE = transient(
        "source_incomplete", "The server ended the transfer early.", "Try again, or upload the file."
    )
    SOURCE_BLOCKED = transient(
        "source_blocked",
        "The platform blocks automated requests from this server at present.",
        "Try again later, or upload the file.",
        None,
    )
    SOURCE_LOGIN = permanent(
        "source_login", "The platform shows the post only to signed-in users.", "Upload the file instead.", None
    )
    SOURCE_NO_VIDEO = permanent(
        "source_no_video",
        "The post contains no usable video or pictures.",
        "For posts with photos, set `APIFY_TOKEN`; otherwise upload the file.",
        None,
    )
    SOURCE_CHANGED = permanent(
        "source_changed",
        "The platform has changed, and the installed yt-dlp cannot read it.",
        "Update yt-dlp, or upload the file.",
        None,
    )
    SOURCE_KEY_INVALID = permanent(
        "source_key_invalid", "Apify rejected the token.", "Set `APIFY_TOKEN` to a valid token.", None
    )
    SOURCE_SETUP = permanent(
        "source_setup",
        "Apify does not have the configured actor, or the actor rejected its input.",
        "Check the `APIFY_…_ACTOR` settings.",
        None,
    )
    SOURCE_QUOTA = transient(
        "source_quota",
        "The Apify account has no quota left, or its plan does not include the actor.",
        "Check the plan and the limits of the Apify account, then retry.",
        None,
    )
    SOURCE_BUSY = transient(
        "source_busy", "The Apify account is at its limit of requests or concurrent runs.", "Try again later.", None
    )
    SOURCE_FAILED = transient(
        "source_failed",
        "The run at Apify failed, timed out or was aborted.",
        "Try again later, or upload the file.",
        None,
    )


class MediaCode(ErrorCode):
    """Files"""

    UNSUPPORTED_MEDIA = permanent(
        "unsupported_media", "The file has a type that is not accepted.", "Convert it to a type in the message.", 415
    )
    EMPTY_FILE = permanent("empty_file", "The file is empty.", "Send the file again.")
    TOO_LONG = permanent(
        "too_long",
        "The video exceeds `API_MAX_VIDEO_DURATION_SEC`, or `MAX_VIDEO_DURATION_SEC` on the earlier systems' paths, or "
        "the recording exceeds `MAX_SPEECH_DURATION_SEC`. "
        "Only the reel scripter's upload answers with it, as 400.",
        "Send a shorter one.",
        None,
    )
    NOT_MEDIA = permanent(
        "not_media", "The file is not video or audio, for example a web page.", "Send a video or audio file.", None
    )
    TRUNCATED = permanent(
        "truncated", "The file is damaged or incomplete and cannot be played.", "Send the file again.", None
    )
    ENCRYPTED_MEDIA = permanent(
        "encrypted_media",
        "The file is encrypted, for example by a shop's copy protection.",
        "Send it without copy protection.",
        None,
    )
    INDEX_TOO_LARGE = permanent(
        "index_too_large",
        "The file declares more frames, audio samples or tracks than fit into it, or more than four million.",
        "Export the video again, and send the new file.",
        None,
    )
    ZERO_LENGTH = permanent("zero_length", "The file contains no frames and no audio.", "Send the file again.", None)
    NO_STREAMS = permanent(
        "no_streams", "The file has neither a video nor an audio stream.", "Send a video or audio file.", None
    )
    NO_VIDEO_STREAM = permanent(
        "no_video_stream", "The file has only audio, but this kind needs video.", "Send a video.", None
    )
    NO_SUCH_TRACK = permanent(
        "no_such_track",
        "The file has no track that the option `audio_track` or `subtitle_track` names.",
        "Choose a track that the message lists, or leave the option out.",
        None,
    )
    NO_SUBTITLES = permanent(
        "no_subtitles", "The file no longer has the subtitle track that was detected.", "Submit the video again.", None
    )
    TOO_LARGE_PICTURE = permanent(
        "too_large_picture", "The frames exceed the size limit in pixels.", "Send a video with smaller frames.", None
    )
    TOO_MANY_FRAMES = permanent(
        "too_many_frames",
        "The frame rate, or the number of frames of an animated WebP, exceeds the limit.",
        "Send a video with a lower frame rate, or convert the animation to MP4.",
        None,
    )
    AUDIO_UNREADABLE = permanent(
        "audio_unreadable", "The audio track cannot be decoded.", "Convert the file to another format.", None
    )
    AUDIO_TIMEOUT = transient("audio_timeout", "The audio extraction timed out.", "Retry the job.", None)
    AUDIO_STOPPED = transient("audio_stopped", "The audio extraction was interrupted.", "Retry the job.", None)
