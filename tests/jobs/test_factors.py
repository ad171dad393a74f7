"""Second factors: enrolled, shown once each, guessed five times at most."""

import pytest

from jobs import totp
from jobs.factors import Bearer, wants_admin_mfa
from models.factors import EMAIL, TOTP, Factor, RecoveryCode
from models.kernel.denials import AccountLocked, MfaRequired, StepUpRequired
from models.kernel.errors import Conflict, NotFound, RateLimitExceeded, Unauthorized
from models.kernel.settings import Settings
from models.logins import LoginSession
from tests.jobs.logins import EMAIL as ADDRESS
from tests.jobs.logins import HOME, House, attempts


@pytest.fixture
def house(queue):
    return House(queue)


@pytest.fixture
def opened(house):
    return house.login()


@pytest.fixture
def bearer(house, opened):
    return house.bearer(opened)


@pytest.fixture
def app(house, bearer):
    """Return the secret of an authenticator app that is set up; its first code is used."""
    secret = house.factors.enrol_totp(bearer)
    house.factors.confirm(TOTP, bearer, code(house, secret), HOME)
    house.clock.move(30)
    return secret


def code(house, secret, off=0):
    return totp.code_at(secret, int(house.clock.now().timestamp()) // 30 + off)


def shown(house, bearer, text):
    try:
        house.factors.show(bearer, text, HOME)
    except (Unauthorized, AccountLocked) as error:
        return type(error)
    return True


def recovery(house, bearer):
    stepped = Bearer(bearer.person_id, bearer.session_id, is_stepped_up=True)
    return house.factors.recovery_codes(stepped)


def test_an_app_counts_only_once_it_is_confirmed(house, bearer):
    secret = house.factors.enrol_totp(bearer)
    assert house.login()

    codes = house.factors.confirm(TOTP, bearer, code(house, secret), HOME)

    assert len(set(codes)) == 10
    with pytest.raises(MfaRequired):
        house.login()


def test_confirming_steps_the_login_up_and_the_secret_is_kept_sealed(house, bearer, app):
    row = Factor.of(bearer.person_id, TOTP)

    assert LoginSession.get_by_id(bearer.session_id).stepped_up_at is not None
    assert app not in bytes(row.sealed_secret)


def test_a_wrong_code_confirms_nothing(house, bearer):
    secret = house.factors.enrol_totp(bearer)

    with pytest.raises(Unauthorized):
        house.factors.confirm(TOTP, bearer, code(house, secret, 9), HOME)
    assert not Factor.is_enrolled(bearer.person_id)


def test_a_pass_and_a_code_end_a_login_that_is_stepped_up(house, app):
    with pytest.raises(MfaRequired) as caught:
        house.login(device="laptop", has_cookie=True)
    granted = house.tokens.read_pass(caught.value.mfa_token)

    house.factors.show(Bearer(granted.person_id), code(house, app), HOME)
    opened = house.logins.complete(granted, "", HOME)

    assert (opened.session.device, opened.session.has_cookie) == ("laptop", True)
    assert opened.session.stepped_up_at == house.clock.now()


def test_a_code_works_once_and_none_before_it_does_afterwards(house, bearer, app):
    later = code(house, app, 1)

    assert shown(house, bearer, later) is True
    assert shown(house, bearer, later) is Unauthorized
    assert shown(house, bearer, code(house, app)) is Unauthorized


def test_a_code_may_be_typed_with_spaces(house, bearer, app):
    text = code(house, app)

    assert shown(house, bearer, f" {text[:3]} {text[3:]} ") is True


def test_five_wrong_codes_lock_the_factor_for_right_ones_too(house, bearer, app):
    assert [shown(house, bearer, code(house, app, 9)) for _ in range(5)] == [Unauthorized] * 5

    assert shown(house, bearer, code(house, app)) is AccountLocked
    house.clock.move(900)
    assert shown(house, bearer, code(house, app)) is True
    assert attempts("action", "outcome")[-7:] == [
        *[("mfa", "wrong")] * 5, ("mfa", "locked"), ("mfa", "ok")
    ]  # fmt: skip


def test_a_recovery_code_stands_in_once_and_is_kept_as_a_digest(house, bearer, app):
    first, second, *_ = recovery(house, bearer)

    assert shown(house, bearer, first.upper()) is True
    assert shown(house, bearer, first) is Unauthorized
    assert shown(house, bearer, second.replace("-", "")) is True
    assert RecoveryCode.left_to(bearer.person_id) == 8
    assert not [c for c in RecoveryCode.select() if first.encode() in bytes(c.digest)]


def test_new_recovery_codes_end_the_old_ones_and_want_a_factor_shown_lately(house, bearer, app):
    old = recovery(house, bearer)[0]
    recovery(house, bearer)

    assert shown(house, bearer, old) is Unauthorized
    with pytest.raises(StepUpRequired):
        house.factors.recovery_codes(bearer)


def test_recovery_codes_of_another_open_nothing(house, bearer, app, queue):
    other = Bearer(bearer.session_id)

    assert shown(house, other, recovery(house, bearer)[0]) is Unauthorized


@pytest.mark.parametrize(
    "change",
    [
        lambda factors, bearer: factors.remove(TOTP, bearer),
        lambda factors, bearer: factors.enrol_email(bearer),
        lambda factors, bearer: factors.enrol_totp(bearer),
    ],
    ids=["remove", "add another", "replace"],
)
def test_who_has_a_factor_shows_it_before_changing_any(house, bearer, app, change):
    with pytest.raises(StepUpRequired):
        change(house.factors, bearer)


def test_an_app_is_not_replaced_but_removed_first(house, opened, app):
    stepped = house.bearer(opened, is_stepped_up=True)

    with pytest.raises(Conflict):
        house.factors.enrol_totp(stepped)
    house.factors.remove(TOTP, stepped)

    assert house.login()
    assert RecoveryCode.left_to(stepped.person_id) == 0


def test_codes_by_mail_count_once_confirmed_and_each_works_once(house, bearer):
    house.factors.enrol_email(bearer)
    assert house.login()
    first, _ = house.letter("code")
    house.factors.confirm(EMAIL, bearer, first, HOME)

    with pytest.raises(MfaRequired):
        house.login()
    house.factors.send_code(bearer.person_id)
    second, _ = house.letter("code")
    assert house.letters() == [("code", ADDRESS)] * 2
    assert shown(house, bearer, second) is True
    assert shown(house, bearer, second) is Unauthorized
    assert shown(house, bearer, first) is Unauthorized


def test_a_code_by_mail_is_good_for_ten_minutes(house, bearer):
    house.factors.enrol_email(bearer)
    text, _ = house.letter("code")
    house.clock.move(600)

    with pytest.raises(Unauthorized):
        house.factors.confirm(EMAIL, bearer, text, HOME)


def test_five_codes_are_sent_in_a_while_and_no_more(house, bearer):
    house.factors.enrol_email(bearer)
    for _ in range(4):
        house.factors.send_code(bearer.person_id)

    with pytest.raises(RateLimitExceeded):
        house.factors.send_code(bearer.person_id)
    assert len(house.letters()) == 5


def test_nobody_is_sent_codes_they_have_not_set_up(house, bearer):
    with pytest.raises(NotFound):
        house.factors.send_code(bearer.person_id)


@pytest.mark.parametrize(
    ("url", "wish", "wanted"),
    [
        ("", "", False),
        ("http://127.0.0.1:9000", "", False),
        ("http://[::1]:9000", "", False),
        ("http://ilm.localhost", "", False),
        ("https://ilm.example", "", True),
        ("https://ilm.example", "optional", False),
        ("", "required", True),
    ],
)
def test_administering_wants_a_factor_unless_we_are_on_loopback(url, wish, wanted):
    assert wants_admin_mfa(Settings(public_url=url, admin_mfa=wish)) is wanted


def test_a_recovery_code_confirms_no_factor(house, opened, bearer, app):
    stepped = house.bearer(opened, is_stepped_up=True)
    spare = recovery(house, bearer)[0]
    house.factors.enrol_email(stepped)

    with pytest.raises(Unauthorized):
        house.factors.confirm(EMAIL, stepped, spare, HOME)

    assert [factor.kind for factor in Factor.enrolled_by(bearer.person_id)] == [TOTP]
    assert shown(house, bearer, spare) is True
