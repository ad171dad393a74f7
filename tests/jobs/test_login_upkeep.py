"""What is forgotten of logins, and what is not."""

from datetime import timedelta

from jobs.login_upkeep import tidy_logins
from models.factors import Proof
from models.kernel.clock import SystemClock
from models.logins import Guess, LoginAttempt, LoginSession
from models.oauth import Authorization, Grant
from models.sign_ins import SignIn
from tests import login_factories as made
from tests.identity_factories import sign_in
from tests.oauth_factories import oauth_authorization, oauth_grant


def test_only_what_has_no_use_any_more_is_forgotten(database):
    now = SystemClock().now()
    made.guess(last_at=now - timedelta(days=2))
    made.proof(expires_at=now - timedelta(days=8))
    made.login_session(ended_at=now - timedelta(days=91))
    made.login_session(expires_at=now - timedelta(days=91))
    made.login_attempt(created_at=now - timedelta(days=999))
    kept = [made.guess(last_at=now), made.proof(), made.login_session(ended_at=now)]

    assert tidy_logins(SystemClock()) == 4

    assert [table.select().count() for table in (Guess, Proof, LoginSession, LoginAttempt)] == [
        1
    ] * 4
    assert LoginSession.get_by_id(kept[2].id)


def test_what_apps_got_is_forgotten_when_it_is_over(database):
    now = SystemClock().now()
    oauth_authorization(expires_at=now - timedelta(days=2))
    oauth_grant(ended_at=now - timedelta(days=91))
    held, lasting = oauth_grant(ended_at=now), oauth_authorization(expires_at=now)

    assert tidy_logins(SystemClock()) == 2

    assert Grant.get_by_id(held.id)
    assert Authorization.get_by_id(lasting.id)


def test_a_sign_in_is_forgotten_a_day_after_its_code(database):
    now = SystemClock().now()
    sign_in(expires_at=now - timedelta(days=2))
    recent = sign_in(expires_at=now)

    assert tidy_logins(SystemClock()) == 1

    assert SignIn.get() == recent
