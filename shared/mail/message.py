"""Emails: their content, and their RFC 5322 form."""

from __future__ import annotations

from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid, parseaddr

from shared import clock


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
