"""The two post offices, one of them before a mail server of somebody else's making."""

import socket
import ssl
from collections.abc import Iterator
from email import message_from_bytes, policy
from typing import Any
from uuid import UUID

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from jobs.mail import Mail
from jobs.post_offices import MailFolder, MailServer, open_office
from models.kernel.errors import Unavailable, UpstreamRefused
from models.kernel.settings import Settings
from tests.fakes.clock import FakeClock

MAIL = Mail(
    id=UUID(int=7), to="ada@example.org", subject="Your code — Ilm", text="Your code is\n\n123456\n"
)
SENDER = "Ilm <no-reply@ilm.example>"


class Inbox:
    """What a mail server has taken; `answer` is what it says instead, if anything."""

    def __init__(self) -> None:
        self.taken: list[Any] = []
        self.logins: list[tuple[bytes, bytes]] = []
        self.answer = ""
        self.refuses_recipients = False

    async def handle_RCPT(self, _server, _session, envelope, address, _options) -> str:  # noqa: N802 - theirs
        if self.refuses_recipients:
            return self.answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, _session, envelope) -> str:  # noqa: N802 - theirs
        if self.answer:
            return self.answer
        self.taken.append(envelope)
        return "250 OK"

    def authenticate(self, _server, _session, _envelope, _mechanism, data) -> AuthResult:
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == b"p@ss")


class Listening(Controller):
    """A mail server on a port that was its own before it was told to anybody."""

    def __init__(self, inbox: Inbox, **options: Any) -> None:
        self._line = socket.create_server(("127.0.0.1", 0))
        port = self._line.getsockname()[1]
        super().__init__(inbox, "127.0.0.1", port, ready_timeout=60, **options)

    def _create_server(self) -> Any:
        return self.loop.create_server(self._factory_invoker, sock=self._line, ssl=self.ssl_context)


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def port(inbox: Inbox) -> Iterator[int]:
    """Where a mail server listens, without TLS, on this machine."""
    controller = Listening(inbox, authenticator=inbox.authenticate, auth_require_tls=False)
    controller.start()
    yield controller.port
    controller.stop()


def server(port: int, credentials: str = "") -> MailServer:
    return MailServer(f"smtp://{credentials}127.0.0.1:{port}", SENDER, FakeClock())


def read(content: bytes) -> Any:
    return message_from_bytes(content, policy=policy.default)


def test_a_mail_arrives_whole_and_says_that_a_machine_sent_it(inbox, port):
    server(port).post(MAIL)

    (envelope,) = inbox.taken
    message = read(envelope.content)
    assert (envelope.mail_from, envelope.rcpt_tos) == ("no-reply@ilm.example", [MAIL.to])
    assert (message["Subject"], message["From"]) == (MAIL.subject, SENDER)
    assert message["Message-ID"] == f"<{MAIL.id.hex}@ilm.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert "123456" in message.get_content()


def test_the_password_of_the_address_is_used_as_it_was_meant(inbox, port):
    server(port, "ilm:p%40ss@").post(MAIL)

    assert inbox.logins == [(b"ilm", b"p@ss")]
    assert len(inbox.taken) == 1


@pytest.mark.parametrize(
    ("answer", "recipients", "fault"),
    [
        ("451 later", False, Unavailable),
        ("554 never", False, UpstreamRefused),
        ("450 later", True, Unavailable),
        ("550 nobody", True, UpstreamRefused),
    ],
)
def test_a_server_that_says_later_is_asked_again_and_never_is_never(
    inbox, port, answer, recipients, fault
):
    inbox.answer, inbox.refuses_recipients = answer, recipients

    with pytest.raises(fault):
        server(port).post(MAIL)


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_server_that_is_away_is_asked_again(scheme):
    office = MailServer(f"{scheme}://127.0.0.1:1", SENDER, FakeClock())

    with pytest.raises(Unavailable):
        office.post(MAIL)


def test_no_password_goes_over_the_wire_without_tls(inbox, port, monkeypatch):
    office = server(port, "ilm:p%40ss@")
    monkeypatch.setattr(office, "_is_near", False)

    with pytest.raises(Unavailable):
        office.post(MAIL)

    assert (inbox.logins, inbox.taken) == ([], [])


def test_a_certificate_nobody_vouches_for_is_not_believed(inbox, certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    controller = Listening(inbox, tls_context=context, require_starttls=True)
    controller.start()
    try:
        with pytest.raises(Unavailable):
            server(controller.port, "ilm:p%40ss@").post(MAIL)
    finally:
        controller.stop()

    assert (inbox.logins, inbox.taken) == ([], [])


@pytest.fixture
def certificate(tmp_path):
    """Return a file with a key and a certificate signed by itself."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    clock = FakeClock()
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(clock.now())
        .not_valid_after(clock.now().replace(year=2100))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    path = tmp_path / "server.pem"
    path.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(pem)
    )
    return path


def test_a_folder_keeps_each_mail_once_for_our_eyes_alone(tmp_path):
    office = MailFolder(tmp_path / "mail", SENDER, FakeClock())

    office.post(MAIL)
    office.post(MAIL)

    (file,) = (tmp_path / "mail").iterdir()
    assert (file.name, file.stat().st_mode & 0o777) == (f"{MAIL.id.hex}.eml", 0o600)
    assert read(file.read_bytes())["To"] == MAIL.to


@pytest.mark.parametrize("address", ["a@b.c\r\nBcc: x@y.z", "a@b.c\nX: y"])
def test_an_address_brings_no_further_headers(tmp_path, address):
    office = MailFolder(tmp_path, SENDER, FakeClock())
    mail = Mail(id=UUID(int=7), to=address, subject="s", text="t")

    with pytest.raises(ValueError, match=r"[Hh]eader|linefeed"):
        office.post(mail)


def test_the_settings_choose_the_office(tmp_path):
    clock = FakeClock()

    assert isinstance(open_office(Settings(home=tmp_path), clock), MailFolder)
    assert isinstance(open_office(Settings(smtp_url="smtp://mail"), clock), MailServer)
