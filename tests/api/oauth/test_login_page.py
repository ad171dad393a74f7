"""Logging in on the way to an app, and what nobody gets past its forms (A-15)."""

import re
from base64 import b32decode

import pytest

from jobs import totp
from models.accounts import Person
from models.jobs import JobRow
from models.kernel.clock import SystemClock
from models.logins import LoginSession
from models.oauth import Grant
from tests.api.conftest import PASSWORD, address
from tests.api.oauth.actors import Form, Visitor, asks_for, claims_of, registered, told_at
from tests.login_factories import factor

pytestmark = pytest.mark.usefixtures("database")


class TestLoggingIn:
    def test_with_a_wrong_password_says_so_and_leads_back(self, ada, app):
        answer = ada.log_in(ada.get(app.address()), "wrong")

        assert answer.status_code == 401
        assert "e-mail or password is wrong" in answer.text
        (back,) = re.findall(r'href="([^"]+)"', answer.text)
        assert back.startswith("/oauth/authorize?")

    def test_five_times_wrong_is_locked(self, ada, app):
        page = ada.get(app.address())

        assert [ada.log_in(page, "wrong").status_code for _ in range(6)] == [401] * 5 + [423]

    def test_is_not_locked_to_a_browser_that_is_known(self, ada, app):
        ada.consent(app.address())
        stranger = Visitor(ada.browser, ada.email)
        page = stranger.get(app.address())
        assert [stranger.log_in(page, "wrong").status_code for _ in range(6)][-1] == 423

        assert ada.log_in(ada.get(app.address(prompt="login"))).status_code == 303
        assert stranger.log_in(page).status_code == 423

    def test_with_a_second_factor_wants_its_code(self, browser, me, ada, app):
        secret = b32decode(browser.post("/v1/auth/mfa/totp", headers=me).json["secret"])
        step = int(SystemClock().now().timestamp()) // 30
        confirm = {"code": totp.code_at(secret, step)}
        browser.post("/v1/auth/mfa/totp/confirm", headers=me, json=confirm)

        page = ada.log_in(ada.get(app.address()))
        assert asks_for(page) == "code"
        assert ada.submit(page, code="000000").status_code == 401
        assert "ilm_session" not in ada.cookies

        answer = ada.submit(page, code=totp.code_at(secret, step + 1))

        assert answer.status_code == 303
        consent = ada.get(answer.headers["Location"])
        tokens = app.redeem(told_at(ada.submit(consent, decision="allow"))["code"]).json
        assert claims_of(tokens["id_token"])["amr"] == ["pwd", "otp", "mfa"]

    def test_by_mail_alone_has_a_code_sent(self, ada, app, email):
        factor(Person.by_email(email))

        page = ada.log_in(ada.get(app.address()))

        assert "of the mail that is on its way" in page.text
        assert JobRow.select().where(JobRow.type == "mail.send").count() == 2

    def test_is_a_login_that_is_listed_and_ended_as_others(self, browser, me, ada, app):
        ada.consent(app.address())
        listed = browser.get("/v1/auth/sessions", headers=me).json["data"]
        (page,) = [each for each in listed if each["device"] == "browser"]
        browser.request("DELETE", f"/v1/auth/sessions/{page['id']}", headers=me)

        assert asks_for(ada.get(app.address())) == "password"

    @pytest.mark.parametrize("cookie", ["", "x", f"{'0' * 32}.{'A' * 43}=", "é"])
    def test_is_wanted_with_a_cookie_that_is_not_ours(self, ada, app, cookie):
        ada.cookies["ilm_session"] = cookie

        assert asks_for(ada.get(app.address())) == "password"

    def test_is_wanted_with_the_id_of_one_login_and_the_seal_of_another(self, ada, app):
        ada.consent(app.address())
        eve = Visitor(ada.browser, ada.email)
        eve.consent(app.address())
        named, sealed = (each.cookies["ilm_session"].split(".") for each in (ada, eve))
        assert "code" in told_at(eve.get(app.address()))

        eve.cookies["ilm_session"] = f"{named[0]}.{sealed[1]}"

        assert asks_for(eve.get(app.address())) == "password"


class TestForgedForms:
    """What another site, or another person's page, makes a browser send."""

    @pytest.fixture
    def page(self, ada, app):
        return ada.get(ada.log_in(ada.get(app.address())).headers["Location"])

    @pytest.mark.parametrize("given", ["", "x", "é", "A" * 44])
    def test_consent_wants_the_token_of_its_page(self, ada, page, given):
        answer = ada.submit(page, decision="allow", form_token=given)

        assert answer.status_code == 403
        assert Grant.select().count() == 0

    def test_consent_without_any_token_is_refused(self, ada, page):
        form = Form(page.text)
        del form.values["form_token"]

        assert ada.post(form.action, {**form.values, "decision": "allow"}).status_code == 403

    def test_consent_does_not_take_the_token_of_another_login(self, browser, ada, app, page):
        email = address()
        browser.post("/v1/auth/register", json={"email": email, "password": PASSWORD})
        eve = Visitor(browser, email)
        hers = eve.get(eve.log_in(eve.get(app.address())).headers["Location"])

        answer = ada.submit(page, decision="allow", form_token=Form(hers.text).values["form_token"])

        assert answer.status_code == 403

    @pytest.mark.parametrize(
        "change", [{"scope": "openid books:write"}, {"state": "another"}, {"nonce": "another"}]
    )
    def test_consent_holds_for_what_was_shown_alone(self, ada, page, change):
        assert ada.submit(page, decision="allow", **change).status_code == 403

    def test_consent_holds_for_the_app_that_was_shown_alone(self, browser, me, ada, page):
        other = registered(browser, me)

        assert ada.submit(page, decision="allow", client_id=other.id).status_code == 403

    def test_consent_wants_the_browsers_login(self, ada, page):
        ada.cookies.clear()

        assert ada.submit(page, decision="allow").status_code == 403

    def test_consent_wants_a_login_that_is_open(self, ada, page, database):
        database.rows("update login_session set ended_at = now(), end_reason = 'logout'")

        assert ada.submit(page, decision="allow").status_code == 403

    def test_a_login_wants_the_browser_that_was_shown_the_page(self, ada, app):
        page = ada.get(app.address())
        kept = ada.cookies.pop("ilm_form")
        assert ada.log_in(page).status_code == 403

        ada.cookies["ilm_form"] = f"{kept}x"
        assert ada.log_in(page).status_code == 403
        assert LoginSession.select().where(LoginSession.device == "browser").count() == 0
