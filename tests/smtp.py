"""A mail server on loopback that does as it is told (RFC 5321, as far as a client needs it)."""

from __future__ import annotations

import socketserver
import threading
from collections import deque
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Self


class SmtpServer:
    """Serves while its context is open.

    Attributes:
        mails: What was taken, in order.
        replies: How the next recipients are answered, one each; 250 when there is none left. 0 breaks the connection.
    """

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.replies: deque[int] = deque()
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.say("220 mail.example ready")
                for line in self.rfile:
                    match line.split(maxsplit=1)[0].upper().rstrip(b":"):
                        case b"RCPT":
                            code = outer.replies.popleft() if outer.replies else 250
                            if code == 0:
                                return
                            self.say(f"{code} so")
                        case b"DATA":
                            self.say("354 go on")
                            self.take()
                            self.say("250 taken")
                        case b"QUIT":
                            self.say("221 bye")
                            return
                        case _:
                            self.say("250 mail.example")

            def take(self) -> None:
                lines = []
                while (line := self.rfile.readline()) not in (b".\r\n", b""):
                    lines.append(line.removeprefix(b"."))
                mail = message_from_bytes(b"".join(lines), policy=default)
                assert isinstance(mail, EmailMessage)
                outer.mails.append(mail)

            def say(self, line: str) -> None:
                self.wfile.write(f"{line}\r\n".encode())

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self.port: int = self._server.server_address[1]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
