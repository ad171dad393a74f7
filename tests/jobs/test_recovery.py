"""Letters and what they prove: an address verified, a password chosen anew."""

from uuid import UUID

import pytest

from jobs.mail import Mail, SendLetter, letters, send_letter
from jobs.proofs import GOOD_FOR
from models.accounts import Person
from models.factors import Proof
from models.kernel.denials import AccountLocked
from models.kernel.errors import Invalid, Unauthorized, Unavailable
from models.kernel.ids import new_id
from models.oauth import AuthorizationStanding
from tests.fakes.run import FakeRun
from tests.jobs.logins import EMAIL, HOME, PASSWORD, STRANGER, House, attempts
from tests.oauth_factories import oauth_authorization

NEW = "another long sentence"


class FakeOffice:
    """Keeps what is posted; refuses the first few."""

    def __init__(self, faults: int = 0) -> None:
        self.mails: list[Mail] = []
        self.faults = faults

    def post(self, mail: Mail) -> None:
        if self.faults:
            self.faults -= 1
            raise Unavailable("the mail server does not answer")
        self.mails.append(mail)


@pytest.fixture
def house(queue):
    return House(queue)


@pytest.fixture
def office():
    return FakeOffice()


def send(house, office, kind="verify", email=EMAIL, run=None):
    run = run or FakeRun()
    outcome = send_letter(SendLetter(kind, email), office, house.proofs, "http://here", run)
    return outcome.result["sent"]


def token_in(mail: Mail) -> str:
    """Return the line of a mail that stands alone and is no link."""
    lines = (line for line in mail.text.splitlines() if line and " " not in line)
    return next(line for line in lines if "://" not in line)


@pytest.mark.parametrize("kind", sorted(GOOD_FOR))
def test_every_letter_has_its_words_and_carries_what_it_proves(house, office, kind):
    run = FakeRun()

    assert send(house, office, kind, run=run)

    (mail,) = office.mails
    assert (mail.to, mail.id, mail.subject) == (EMAIL, run.job_id, letters()[kind].subject)
    assert token_in(mail) == house.proofs.issue(kind, house.ada, run.job_id)[1]
    assert "http://here" in mail.text
    assert "{" not in mail.text


@pytest.mark.parametrize(
    ("kind", "page"), [("verify", "verify-email"), ("reset", "reset-password")]
)
def test_a_link_carries_its_token_where_no_server_sees_it(house, office, kind, page):
    send(house, office, kind)

    (mail,) = office.mails
    assert f"\nhttp://here/{page}#token={token_in(mail)}\n" in mail.text


def test_who_is_verified_is_not_asked_to_verify_again(house, office):
    Person.update(email_verified_at=house.clock.now()).execute()

    assert not send(house, office, "verify")
    assert send(house, office, "reset")


def test_a_letter_is_sent_again_five_times_in_a_while_whoever_asks(house):
    for email in (EMAIL, "nobody@example.org"):
        for _ in range(7):
            house.recovery.resend(email, HOME)

    assert house.letters() == [("verify", EMAIL)] * 5 + [("verify", "nobody@example.org")] * 5
    assert attempts("action", "outcome") == [("resend_verification", "ok")] * 14


def test_a_letter_is_sent_once_however_often_its_job_runs(house, office):
    run = FakeRun()

    assert [send(house, office, run=run) for _ in range(3)] == [True] * 3

    assert len(office.mails) == 1


def test_a_letter_is_tried_again_with_the_same_token_when_the_server_is_away(house):
    run, office = FakeRun(), FakeOffice(faults=1)
    with pytest.raises(Unavailable):
        send(house, office, run=run)

    assert send(house, office, run=run)

    assert house.recovery.verify(token_in(office.mails[0]), HOME)


def test_an_address_nobody_has_and_one_of_the_suspended_get_no_letter(house, office):
    Person.update(status="suspended").execute()

    assert not send(house, office)
    assert not send(house, office, email="nobody@example.org")
    assert office.mails == []


def test_only_a_digest_of_a_token_is_kept(house, office):
    send(house, office)
    token = token_in(office.mails[0])

    (row,) = Proof.select()
    assert token.encode() not in bytes(row.digest)
    assert token not in str(row.__data__)


def test_a_token_verifies_an_address_once(house, office):
    send(house, office)
    token = token_in(office.mails[0])

    assert house.recovery.verify(token, HOME).email_verified_at == house.clock.now()

    with pytest.raises(Invalid):
        house.recovery.verify(token, HOME)
    assert attempts("action", "outcome") == [("verify_email", "ok"), ("verify_email", "wrong")]


@pytest.mark.parametrize(("kind", "hours"), [("verify", 24), ("reset", 1)])
def test_a_token_expires(house, office, kind, hours):
    send(house, office, kind)
    house.clock.move(hours * 3_600)

    with pytest.raises(Invalid):
        use(house, kind, token_in(office.mails[0]))


def use(house, kind, token):
    if kind == "verify":
        house.recovery.verify(token, HOME)
    else:
        house.recovery.reset(token, NEW, HOME)


@pytest.mark.parametrize("kind", ["verify", "reset"])
@pytest.mark.parametrize("token", ["", "x", "é", "123456", "A" * 43])
def test_what_is_no_token_does_nothing(house, kind, token):
    with pytest.raises(Invalid):
        use(house, kind, token)


def test_a_token_of_one_kind_is_none_of_another(house, office):
    send(house, office, "verify")
    send(house, office, "reset")
    verify, reset = map(token_in, office.mails)

    with pytest.raises(Invalid):
        use(house, "reset", verify)
    with pytest.raises(Invalid):
        use(house, "verify", reset)


def test_a_token_to_an_address_that_was_changed_since_verifies_nothing(house, office):
    send(house, office)
    Person.update(email="new@example.org").execute()

    with pytest.raises(Invalid):
        use(house, "verify", token_in(office.mails[0]))


def test_a_reset_changes_the_password_and_ends_every_login(house, office):
    logins = [house.login() for _ in range(2)]
    send(house, office, "reset")

    house.recovery.reset(token_in(office.mails[0]), NEW, HOME)

    with pytest.raises(Unauthorized):
        house.login(PASSWORD)
    assert house.login(NEW)
    for opened in logins:
        with pytest.raises(Unauthorized):
            house.logins.refresh(opened.refresh_token, HOME)
    assert Person.by_email(EMAIL).email_verified_at == house.clock.now()


def test_a_reset_ends_what_apps_hold(house, office):
    """Who had the password may have let an app in."""
    me = Person.by_email(EMAIL)
    mine = oauth_authorization(user=me.id, redeemed_at=house.clock.now())
    other = oauth_authorization(redeemed_at=house.clock.now())
    send(house, office, "reset")

    house.recovery.reset(token_in(office.mails[0]), NEW, HOME)

    assert AuthorizationStanding.of_id(mine.id) is None
    assert AuthorizationStanding.of_id(other.id) is not None


def test_a_reset_spoils_every_other_token_to_reset(house, office):
    send(house, office, "reset")
    send(house, office, "reset")
    first, second = map(token_in, office.mails)
    house.recovery.reset(first, NEW, HOME)

    for token in (first, second):
        with pytest.raises(Invalid):
            house.recovery.reset(token, PASSWORD, STRANGER)
    assert house.login(NEW)


@pytest.mark.parametrize("where", ["a stranger's", "a known place", "a known device"])
def test_who_is_locked_out_may_log_in_after_a_reset(house, office, where):
    known = house.login()
    device = known.device_token if where == "a known device" else ""
    origin = HOME if where == "a known place" else STRANGER
    for _ in range(5):
        with pytest.raises(Unauthorized):
            house.login("wrong", origin, device=device)
    with pytest.raises(AccountLocked):
        house.login(PASSWORD, origin, device=device)
    send(house, office, "reset")

    house.recovery.reset(token_in(office.mails[0]), NEW, origin)

    assert house.login(NEW, origin, device=device)


def test_forgetting_asks_for_a_letter_whoever_the_address_is_five_times_in_a_while(house):
    for email in (EMAIL, "nobody@example.org"):
        for _ in range(7):
            house.recovery.forget(email, HOME)

    assert house.letters() == [("reset", EMAIL)] * 5 + [("reset", "nobody@example.org")] * 5


def test_a_letter_is_nobodys_job(house):
    _, job = (house.recovery.forget(EMAIL, HOME), house.letter("reset")[1])

    assert job.account_id == UUID(int=0)
    assert job.account_id != house.ada.account_id
    assert "token" not in str(job.input)


def test_the_same_digits_can_be_sent_again_once_they_have_expired(house, office, monkeypatch):
    monkeypatch.setattr(house.proofs, "_text", lambda *_: "123456")
    send(house, office, "code")
    house.proofs.use("code", "123456", house.ada.id)
    house.clock.move(601)

    send(house, office, "code", run=FakeRun(new_id()))

    assert len(office.mails) == 2
    assert house.proofs.use("code", "123456", house.ada.id)
