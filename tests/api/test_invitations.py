"""Invitations into an organization: what the mail carries, and who it is good for (A-26)."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from falcon.testing import Result

from jobs.invitations import GOOD_FOR, SendInvitation, Tokens, send_invitation
from jobs.mail import Mail
from models.jobs import JobRow
from models.kernel.clock import SystemClock
from models.kernel.secrets import open_secrets
from models.kernel.settings import Settings
from models.logins import LoginAttempt
from models.organizations import Invitation
from tests import factories
from tests.api.browser import Browser
from tests.api.conftest import code
from tests.api.organizations import ALL, House, founded
from tests.api.reader import Reader
from tests.fakes.run import FakeRun

pytestmark = pytest.mark.usefixtures("database")

ACCEPT = f"{ALL}/invitations/accept"
ABOVE = (403, "INSUFFICIENT_PERMISSIONS")
SPENT = (400, "VALIDATION_ERROR")

Token = Callable[[Result], str]


@pytest.fixture
def house(browser: Browser) -> House:
    """An organization with an owner."""
    return founded(browser)


class FakeOffice:
    """Keeps what is posted."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []

    def post(self, mail: Mail) -> None:
        self.mails.append(mail)


@pytest.fixture
def tokens(tmp_path: Path) -> Tokens:
    """What the browser's installation makes tokens with."""
    return Tokens(open_secrets(Settings(home=tmp_path)))


@pytest.fixture
def token(tokens: Tokens) -> Token:
    """Read what the mail of an invitation carries."""
    return lambda invited: tokens.text(UUID(invited.json["id"].removeprefix("inv_")))


def invite(house: House, email: str, role: str = "member", by: Reader | None = None) -> Result:
    wish = {"email": email, "role": role}
    return (by or house.owner).post(f"{house.path}/invitations", json=wish)


def accept(who: Reader, token: str) -> Result:
    return who.post(ACCEPT, json={"token": token})


def mail_of(who: Reader) -> str:
    return str(who.person.email)


def test_who_is_invited_joins_by_what_the_mail_carries(
    house: House, bob: Reader, token: Token
) -> None:
    invited = invite(house, mail_of(bob).upper(), "viewer")
    assert (invited.status_code, invited.json["email"]) == (201, mail_of(bob))
    assert house.owner.get(f"{house.path}/invitations").json["data"] == [invited.json]

    joined = accept(bob, token(invited))

    assert (joined.status_code, joined.json["id"]) == (200, house.id)
    assert joined.json["role"] == house.role_of(bob) == "viewer"
    assert house.ask(bob, "GET", "/v1/books").status_code == 200
    assert house.owner.get(f"{house.path}/invitations").json["data"] == []
    seen = house.owner.get(f"{house.path}/audit").json["data"]
    assert [each["action"] for each in seen[:2]] == ["organization.joined", "organization.invited"]


def test_the_mail_is_sent_once_and_nothing_else_holds_its_token(
    house: House, bob: Reader, tokens: Tokens, token: Token
) -> None:
    invited = invite(house, mail_of(bob))
    row = JobRow.get(JobRow.type == SendInvitation.name)
    job, office = SendInvitation.from_input(row.input), FakeOffice()

    for _ in range(2):
        send_invitation(job, office, tokens, "http://here", FakeRun())

    (mail,) = office.mails
    assert mail.to == mail_of(bob)
    assert all(part in mail.text for part in (token(invited), "The Reading Room", "http://here"))
    assert "{" not in mail.text
    kept = f"{row.input} {row.result} {Invitation.get_by_id(job.invitation_id).__data__}"
    assert token(invited) not in kept + invited.text
    listed = house.owner.get(f"{house.path}/invitations").json["data"]
    assert listed[0]["sentAt"] is not None


@pytest.mark.parametrize("fate", ["withdrawn", "expired", "accepted", "closed"])
def test_no_mail_is_sent_for_what_counts_no_more(
    house: House, bob: Reader, tokens: Tokens, token: Token, fate: str
) -> None:
    invited = invite(house, mail_of(bob))
    job = SendInvitation(UUID(invited.json["id"].removeprefix("inv_")))
    spoil(house, bob, invited, token, fate)
    office = FakeOffice()

    assert send_invitation(job, office, tokens, "http://here", FakeRun()).result == {"sent": False}
    assert office.mails == []


def spoil(house: House, who: Reader, invited: Result, token: Token, fate: str) -> None:
    """Let an invitation count no more."""
    place = f"{house.path}/invitations/{invited.json['id']}"
    if fate == "withdrawn":
        assert house.owner.delete(place).status_code == 204
    elif fate == "expired":
        past = SystemClock().now() - timedelta(seconds=1)
        Invitation.update(expires_at=past).execute()
    elif fate == "accepted":
        assert accept(who, token(invited)).status_code == 200
        assert house.remove(house.owner, who).status_code == 204
    else:
        assert house.owner.delete(house.path).status_code == 204


@pytest.mark.parametrize("fate", ["withdrawn", "expired", "accepted", "closed"])
def test_a_token_that_counts_no_more_lets_nobody_in(
    house: House, bob: Reader, token: Token, fate: str
) -> None:
    invited = invite(house, mail_of(bob))
    spoil(house, bob, invited, token, fate)

    assert code(accept(bob, token(invited))) == SPENT
    assert code(bob.get(house.path)) == (404, "NOT_FOUND")
    place = f"{house.path}/invitations/{invited.json['id']}"
    assert code(house.owner.delete(place)) == (404, "NOT_FOUND")


def test_a_token_is_good_for_a_week(house: House, bob: Reader) -> None:
    invite(house, mail_of(bob))

    (row,) = Invitation.select()

    assert row.expires_at - row.created_at == GOOD_FOR == timedelta(days=7)


def test_a_token_that_came_to_another_address_is_of_no_use(
    house: House, ada: Reader, bob: Reader, token: Token
) -> None:
    invited = invite(house, mail_of(bob))

    stolen, made_up = accept(ada, token(invited)), accept(ada, "x" * 43)

    assert code(stolen) == code(made_up) == SPENT
    assert stolen.json["error"]["details"] == made_up.json["error"]["details"]
    assert accept(bob, token(invited)).status_code == 200


def test_tries_at_tokens_are_written_down(house: House, bob: Reader, token: Token) -> None:
    invited = invite(house, mail_of(bob))
    accept(bob, "x" * 43)
    accept(bob, token(invited))

    seen = LoginAttempt.select().where(LoginAttempt.user_id == bob.person.id)

    told = [(each.action, each.outcome) for each in seen.order_by(LoginAttempt.id)]
    assert told == [("accept_invitation", "wrong"), ("accept_invitation", "ok")]


def test_a_later_invitation_replaces_an_earlier_one(
    house: House, bob: Reader, token: Token
) -> None:
    first, second = (invite(house, mail_of(bob), role) for role in ("admin", "viewer"))

    assert code(accept(bob, token(first))) == SPENT
    assert accept(bob, token(second)).json["role"] == "viewer"


def test_a_member_is_not_invited_and_joins_no_second_time(
    house: House, bob: Reader, token: Token
) -> None:
    invited = invite(house, mail_of(bob))
    factories.BY_TABLE["membership"](bob.person, account_id=house.account_id, role="viewer")

    assert code(invite(house, mail_of(bob))) == (409, "DUPLICATE_RESOURCE")
    assert code(accept(bob, token(invited))) == (409, "CONFLICT")
    assert house.role_of(bob) == "viewer"


@pytest.mark.parametrize(
    ("actor", "role"), [("viewer", "viewer"), ("member", "viewer"), ("admin", "admin")]
)
def test_nobody_invites_who_stands_as_high_as_they(house: House, actor: str, role: str) -> None:
    who = house.with_(actor)

    assert code(invite(house, "friend@example.org", role, by=who)) == ABOVE
    assert Invitation.select().count() == 0


def test_an_owner_is_not_made_by_mail(house: House) -> None:
    assert code(invite(house, "friend@example.org", "owner")) == (400, "VALIDATION_ERROR")


def test_who_is_below_sees_and_withdraws_no_invitation(house: House) -> None:
    member, admin = house.with_("member"), house.with_("admin")
    place = f"{house.path}/invitations/{invite(house, 'a@example.org', 'admin').json['id']}"

    assert code(member.get(f"{house.path}/invitations")) == ABOVE
    assert code(member.delete(place)) == ABOVE
    assert code(admin.delete(place)) == ABOVE
    assert admin.get(f"{house.path}/invitations").json["pagination"]["total"] == 1


def test_an_invitation_of_another_organization_is_not_there(house: House, browser: Browser) -> None:
    other = founded(browser)
    theirs = invite(other, "a@example.org").json["id"]

    answer = house.owner.delete(f"{house.path}/invitations/{theirs}")

    assert code(answer) == (404, "NOT_FOUND")
    assert Invitation.select().where(Invitation.withdrawn_at.is_null()).count() == 1


def test_what_somebody_sent_ends_when_they_are_taken_out(
    house: House, bob: Reader, token: Token
) -> None:
    admin = house.with_("admin")
    invited = invite(house, mail_of(bob), by=admin)

    house.remove(house.owner, admin)

    assert code(accept(bob, token(invited))) == SPENT


@pytest.mark.parametrize(("role", "since"), [("member", "viewer"), ("admin", "admin")])
def test_what_its_sender_could_not_give_any_more_lets_nobody_in(
    house: House, bob: Reader, token: Token, role: str, since: str
) -> None:
    """A-26: by the role they have when it is used."""
    sender = house.with_("owner" if role == "admin" else "admin")
    invited = invite(house, mail_of(bob), role, by=sender)

    house.change(house.owner, sender, since)

    assert code(accept(bob, token(invited))) == SPENT
    assert code(bob.get(house.path)) == (404, "NOT_FOUND")


def test_nobody_is_flooded_with_letters(house: House, browser: Browser) -> None:
    other = founded(browser)

    came: list[Any] = [invite(each, "a@example.org").status_code for each in (house, other) * 3]

    assert came == [201] * 5 + [429]
    assert JobRow.select().where(JobRow.type == SendInvitation.name).count() == 5


def test_no_more_than_a_hundred_are_open(house: House) -> None:
    for _ in range(100):
        factories.BY_TABLE["invitation"](account_id=house.account_id)

    assert code(invite(house, "a@example.org")) == (409, "CONFLICT")
