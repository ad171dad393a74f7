"""The two post offices: a mail server, or a folder."""

import os
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, parseaddr
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from jobs.mail import Mail, PostOffice
from models.kernel.clock import Clock
from models.kernel.errors import Unavailable, UpstreamRefused
from models.kernel.loopback import is_loopback
from models.kernel.settings import Settings

SECONDS: Final = 15.0

_PORTS: Final = {"smtp": 587, "smtps": 465}
_PERMANENT: Final = 500


def open_office(settings: Settings, clock: Clock) -> PostOffice:
    """Return the mail server of the settings, or the folder `mail` of the home."""
    if settings.smtp_url:
        return MailServer(settings.smtp_url, settings.mail_from, clock)
    return MailFolder(settings.home.resolve() / "mail", settings.mail_from, clock)


class MailFolder:
    """Leaves each mail as a file `<id>.eml` that only we can read."""

    def __init__(self, folder: Path, sender: str, clock: Clock) -> None:
        """Take the folder, who sends, and the time."""
        self._folder = folder
        self._sender = sender
        self._clock = clock

    def post(self, mail: Mail) -> None:
        """Write the file whole; the same mail again is the same file."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._folder / f".{mail.id.hex}"
        draft.unlink(missing_ok=True)
        handle = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(_message(mail, self._sender, self._clock).as_bytes())
        draft.replace(self._folder / f"{mail.id.hex}.eml")


class MailServer:
    """Hands each mail to an SMTP server, by TLS where it can; a password goes no other way."""

    def __init__(self, url: str, sender: str, clock: Clock) -> None:
        """Take `smtp://user:password@host:port` or `smtps://…`, who sends, and the time."""
        self._url = urlsplit(url)
        self._sender = sender
        self._clock = clock
        self._is_near = is_loopback(url)

    def post(self, mail: Mail) -> None:
        """Deliver one mail on a connection of its own."""
        try:
            with self._connected() as server:
                server.send_message(_message(mail, self._sender, self._clock))
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            raise _fault(min(codes)) from error
        except smtplib.SMTPResponseException as error:
            raise _fault(error.smtp_code) from error
        except smtplib.SMTPNotSupportedError as error:
            raise UpstreamRefused("the mail server cannot write to this address") from error
        except (smtplib.SMTPException, OSError) as error:
            raise Unavailable("the mail server does not answer") from error

    def _connected(self) -> smtplib.SMTP:
        scheme, host = self._url.scheme, self._url.hostname or "localhost"
        port = self._url.port or _PORTS[scheme]
        context = ssl.create_default_context()
        if scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=SECONDS, context=context)
        else:
            server = smtplib.SMTP(host, port, timeout=SECONDS)
        try:
            self._greet(server, context)
        except (smtplib.SMTPException, OSError):
            server.close()
            raise
        return server

    def _greet(self, server: smtplib.SMTP, context: ssl.SSLContext) -> None:
        """Go over to TLS when it is offered, and log in when there is somebody to be."""
        server.ehlo()
        is_secret = self._url.scheme == "smtps"
        if not is_secret and server.has_extn("starttls"):
            server.starttls(context=context)
            is_secret = True
        if self._url.username:
            if not is_secret and not self._is_near:
                raise smtplib.SMTPException("no password without TLS")
            server.login(unquote(self._url.username), unquote(self._url.password or ""))


def _message(mail: Mail, sender: str, clock: Clock) -> EmailMessage:
    message = EmailMessage()
    domain = parseaddr(sender)[1].rpartition("@")[2] or "localhost"
    message["From"], message["To"], message["Subject"] = sender, mail.to, mail.subject
    message["Date"] = formatdate(clock.now().timestamp())
    message["Message-ID"] = f"<{mail.id.hex}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    return message


def _fault(code: int) -> UpstreamRefused | Unavailable:
    """Return what an SMTP code means: 5xx stays so, anything else may pass."""
    if code >= _PERMANENT:
        return UpstreamRefused("the mail server refuses this mail")
    return Unavailable("the mail server wants to be asked later")
