"""Emails: their content, their RFC 5322 form, and delivery to an SMTP server or into a folder."""

from __future__ import annotations

import logging
import os
import re
import secrets
import smtplib
import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from email.utils import format_datetime, make_msgid, parseaddr
from pathlib import Path

from shared import clock
from shared.errors import PermanentError, TransientError
from shared.settings import Settings

log = logging.getLogger(__name__)
TIMEOUT_SEC = 20.0
DeliverMail = Callable[[EmailMessage], None]
"""Raises PermanentError `mail_refused` if a retry cannot help, TransientError `mail_delayed` if it can."""


@dataclass(frozen=True)
class Mail:
    """Plain text to one address. The text may hold a secret."""

    to: str
    subject: str
    text: str = field(repr=False)


def to_email_message(mail: Mail, sender: str) -> EmailMessage:
    """Convert to RFC 5322; raises ValueError for an address or a subject with a line break."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = mail.to
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(clock.now())
    message["Message-ID"] = make_msgid(domain=parseaddr(sender)[1].rpartition("@")[2] or "localhost")
    # Prevents automatic replies (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    # Keep long links unbroken for people who read the file itself.
    message.set_content(mail.text, cte="7bit" if mail.text.isascii() else "quoted-printable")
    return message


def mail_delivery(settings: Settings) -> DeliverMail:
    """Return the delivery for the settings: their SMTP server or, without one, the data folder's `outbox`."""
    return SmtpDelivery(settings) if settings.smtp_host else FolderDelivery(settings.clipwise_data / "outbox")


class FolderDelivery:
    """A folder of `.eml` files, which mail programs can open. Only the owner of the process can read them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, message: EmailMessage) -> None:
        path = self._folder / _file_name(message)
        draft = path.with_suffix(".part")
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(bytes(message))
            draft.rename(path)
        except OSError as error:
            raise TransientError(
                "mail_delayed", f"The mail cannot be written: {error.strerror}. Check the data folder."
            ) from error
        # Log neither the address nor the text: only the file may contain the token.
        log.info("wrote an email to %s", path)


def delete_mails(folder: Path, addresses: Iterable[str | None]) -> None:
    """Delete the mails to these addresses from a folder that FolderDelivery wrote, and from the folders in it."""
    recipients = {address.lower() for address in addresses if address}
    for path in folder.rglob("*.eml"):
        with path.open("rb") as file:
            recipient = parseaddr(BytesParser(policy=default).parse(file, headersonly=True)["To"])[1]
        if recipient.lower() in recipients:
            path.unlink(missing_ok=True)


def _file_name(message: EmailMessage) -> str:
    subject = re.sub(r"[^a-z0-9]+", "-", str(message["Subject"]).lower()).strip("-")
    return f"{clock.now():%Y%m%dT%H%M%S.%f}-{subject}-{secrets.token_hex(2)}.eml"


class SmtpDelivery:
    """A mail server (RFC 5321), with one connection per email; TLS certificates are verified."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __call__(self, message: EmailMessage) -> None:
        try:
            self._send(message)
        except smtplib.SMTPRecipientsRefused as error:
            raise _reply_error(max(code for code, _ in error.recipients.values())) from error
        except smtplib.SMTPResponseException as error:
            raise _reply_error(error.smtp_code) from error
        except (smtplib.SMTPException, OSError) as error:
            raise TransientError(
                "mail_delayed", "The mail server cannot be reached. Check the SMTP settings; Clipwise tries again."
            ) from error

    def _send(self, message: EmailMessage) -> None:
        config = self._settings
        with self._connection() as server:
            if config.smtp_security == "starttls":
                server.starttls(context=ssl.create_default_context())
            if config.smtp_user:
                server.login(config.smtp_user, config.smtp_password)
            server.send_message(message)

    def _connection(self) -> smtplib.SMTP:
        address = (self._settings.smtp_host, self._settings.smtp_port)
        if self._settings.smtp_security == "tls":
            return smtplib.SMTP_SSL(*address, timeout=TIMEOUT_SEC, context=ssl.create_default_context())
        return smtplib.SMTP(*address, timeout=TIMEOUT_SEC)


def _reply_error(code: int) -> PermanentError | TransientError:
    """Map a reply code: 5xx is permanent (RFC 5321, 4.2.1), except for authentication, which settings can fix."""
    if code >= 550:
        return PermanentError(
            "mail_refused",
            f"The mail server rejected the mail (reply {code}). Check the address and the SMTP settings.",
        )
    return TransientError(
        "mail_delayed", f"The mail server rejected the mail for now (reply {code}). Clipwise tries again."
    )
