"""Mails: they arrive, late if need be, or it is said that they did not."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

from shared import clock
from shared.errors import PermanentError, TransientError
from shared.mail import FolderDelivery, Mail, SmtpDelivery, mail_delivery, to_email_message
from shared.platform.embedded.database import Database
from shared.platform.embedded.mail_queue import MailQueue
from shared.platform.embedded.schema import ACCOUNT_MIGRATIONS
from shared.settings import Settings
from tests.server import eventually
from tests.smtp import SmtpServer

SENDER = "Clipwise <clipwise@example.org>"
MAIL = Mail("ann@example.com", "Hello", "the token is s3cret\n")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "accounts.db", ACCOUNT_MIGRATIONS)
    yield opened
    opened.close()


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


@pytest.fixture
def move_clock(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    real = clock.now

    def move(**by: float) -> None:
        delta = timedelta(**by)
        monkeypatch.setattr(clock, "now", lambda: real() + delta)

    return move


def settings_for(server: SmtpServer, **more: Any) -> Settings:
    return Settings(smtp_host="127.0.0.1", smtp_port=server.port, smtp_security="none", mail_from=SENDER, **more)


def new_queue(database: Database, server: SmtpServer, folder: Path) -> MailQueue:
    return MailQueue(database, SmtpDelivery(settings_for(server)), FolderDelivery(folder / "undelivered"), SENDER)


def post(database: Database, queue: MailQueue, *mails: Mail) -> None:
    with database.transaction() as connection:
        for mail in mails:
            queue.enqueue(connection, mail)


def waiting(database: Database) -> int:
    count: int = database.connection.execute("SELECT COUNT(*) FROM mails").fetchone()[0]
    return count


def test_a_mail_arrives(database: Database, server: SmtpServer, tmp_path: Path) -> None:
    """The mail server gets it as it was written, in the background."""
    queue = new_queue(database, server, tmp_path)
    post(database, queue, MAIL, Mail("ben@example.com", "Grüße", "ä\n"))
    queue.wake()
    eventually(lambda: waiting(database) == 0)
    ann, ben = server.mails

    assert (ann["to"], ann["from"], ann["subject"]) == ("ann@example.com", SENDER, "Hello")
    assert ann.get_content().strip() == MAIL.text.strip()
    assert ann["date"]
    assert ann["message-id"].endswith("@example.org>")
    assert ann["auto-submitted"] == "auto-generated"
    assert (ben["subject"], ben.get_content().strip()) == ("Grüße", "ä")


@pytest.mark.parametrize("reply", [0, 421, 450, 451, 535])
def test_a_server_that_is_away_for_a_while(
    database: Database, server: SmtpServer, tmp_path: Path, move_clock: Callable[..., None], reply: int
) -> None:
    """The mail waits and arrives once, when the server takes mails again."""
    queue = new_queue(database, server, tmp_path)
    post(database, queue, MAIL)
    server.replies.append(reply)
    due = queue.deliver_due()
    assert due is not None
    assert due > clock.now()
    assert (len(server.mails), waiting(database)) == (0, 1)
    assert queue.deliver_due() == due
    move_clock(minutes=2)
    assert queue.deliver_due() is None
    assert (len(server.mails), waiting(database)) == (1, 0)


def test_a_server_that_refuses(
    database: Database, server: SmtpServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What no server will ever take is kept in a folder and said in the log, without what it holds; others go on."""
    queue = new_queue(database, server, tmp_path)
    post(database, queue, MAIL, Mail("ben@example.com", "Hello", "x"))
    server.replies.append(550)
    assert queue.deliver_due() is None
    (kept,) = (tmp_path / "undelivered").glob("*.eml")

    assert message_from_bytes(kept.read_bytes(), policy=default)["to"] == "ann@example.com"
    assert [mail["to"] for mail in server.mails] == ["ben@example.com"]
    (error,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "550" in error.getMessage()
    assert "s3cret" not in caplog.text
    assert "ann@example.com" not in caplog.text


def test_a_server_that_stays_away(
    database: Database, tmp_path: Path, move_clock: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    """After two days the mail is given up, kept, and said."""
    chosen = Settings(smtp_host="127.0.0.1", smtp_port=9, smtp_security="none")
    queue = MailQueue(database, SmtpDelivery(chosen), FolderDelivery(tmp_path / "undelivered"), SENDER)
    post(database, queue, MAIL)
    tries = 0
    hours = 0.0
    while waiting(database):
        move_clock(hours=hours)
        queue.deliver_due()
        tries += 1
        hours += 1.01
        assert tries < 60

    assert tries > 40
    assert len(list((tmp_path / "undelivered").glob("*.eml"))) == 1
    assert "kept undelivered" in caplog.text


def test_a_mail_outlives_the_process(database: Database, server: SmtpServer, tmp_path: Path) -> None:
    """What one process wrote down and did not deliver, the next one does."""
    post(database, new_queue(database, server, tmp_path), MAIL)
    again = Database(database.path, ACCOUNT_MIGRATIONS)
    new_queue(again, server, tmp_path).wake()
    eventually(lambda: server.mails)
    eventually(lambda: waiting(database) == 0)
    again.close()


def test_two_processes_send_a_mail_once(database: Database, server: SmtpServer, tmp_path: Path) -> None:
    """Of all that look for mails one takes each."""
    queues = [new_queue(database, server, tmp_path) for _ in range(3)]
    post(database, queues[0], *[MAIL] * 6)
    for queue in queues:
        queue.wake()
    eventually(lambda: waiting(database) == 0)
    assert len(server.mails) == 6


def test_the_work_for_nobody_is_no_mail(database: Database, server: SmtpServer, tmp_path: Path) -> None:
    """What is only written for the sake of the time it takes is sent to no one."""
    queue = new_queue(database, server, tmp_path)
    with database.transaction() as connection:
        queue.enqueue(connection, MAIL, no_recipient=True)
    assert queue.deliver_due() is None
    assert (server.mails, waiting(database)) == ([], 0)


def test_without_a_server_mails_are_files(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """On one machine the log says where the mail lies, and only the file has what it says."""
    caplog.set_level(logging.DEBUG)
    deliver = mail_delivery(Settings(clipwise_data=tmp_path))
    deliver(to_email_message(MAIL, SENDER))
    (file,) = (tmp_path / "outbox").iterdir()

    assert message_from_bytes(file.read_bytes(), policy=default).get_content() == MAIL.text
    assert str(file) in caplog.text
    assert "s3cret" not in caplog.text
    assert "ann@example.com" not in caplog.text
    assert file.stat().st_mode & 0o077 == 0


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """A full disk delays mails."""
    (tmp_path / "file").write_text("")
    with pytest.raises(TransientError):
        FolderDelivery(tmp_path / "file")(to_email_message(MAIL, SENDER))


def test_mails_are_not_sent_unprotected_by_accident(server: SmtpServer) -> None:
    """A server that offers no TLS gets no mail, unless that was asked for."""
    chosen = Settings(smtp_host="127.0.0.1", smtp_port=server.port)
    with pytest.raises((TransientError, PermanentError)):
        SmtpDelivery(chosen)(to_email_message(MAIL, SENDER))
    assert server.mails == []


@pytest.mark.parametrize("mail", [Mail("a@b.c\nBcc: x@y.z", "s", "t"), Mail("a@b.c", "s\r\nBcc: x@y.z", "t")])
def test_no_header_can_be_slipped_in(mail: Mail) -> None:
    """An address or a subject with a line break makes no mail."""
    with pytest.raises(ValueError, match=r"linefeed|newline"):
        to_email_message(mail, SENDER)
