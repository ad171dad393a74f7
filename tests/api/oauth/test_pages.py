"""The pages an app sends people to: what they ask, and what nobody gets past them (A-15)."""

import re
from base64 import b64encode
from hashlib import sha256
from urllib.parse import parse_qsl, urlsplit

import pytest

from models.accounts import Person
from models.oauth import Authorization, Grant
from models.people import AuditEntry
from tests.api.conftest import PASSWORD
from tests.api.oauth.actors import BACK, Form, asks_for, registered, told_at

pytestmark = pytest.mark.usefixtures("database")


class TestWhatIsAsked:
    def test_is_a_login_then_a_word_then_nothing(self, ada, app):
        login = ada.get(app.address())
        assert asks_for(login) == "password"
        consent = ada.get(ada.log_in(login).headers["Location"])
        assert asks_for(consent) == "a word"
        told = told_at(ada.submit(consent, decision="allow"))

        assert (told["state"], told["iss"]) == ("a state", "http://127.0.0.1:8000")
        assert set(told) == {"code", "state", "iss"}
        assert "code" in told_at(ada.get(app.address()))

    def test_is_said_in_words_and_names_app_person_and_place(self, ada, app, email):
        page = ada.get(ada.log_in(ada.get(app.address())).headers["Location"]).text

        assert "A reader" in page
        assert email in page
        assert "reader.example" in page
        assert "Read books, their text and page images" in page
        assert "Upload" not in page

    def test_is_asked_again_for_more(self, ada, app):
        ada.consent(app.address(scope="openid"))

        assert asks_for(ada.get(app.address(scope="openid books:read"))) == "a word"
        assert "code" in told_at(ada.get(app.address(scope="openid")))

    def test_is_asked_again_when_the_app_may_be_another_program(self, browser, me, ada):
        local = "http://127.0.0.1:5000/back"
        app = registered(
            browser, me, clientType="public", redirectUris=[local],
            grantTypes=["authorization_code"],
        )  # fmt: skip
        asked = app.address(redirect_uri="http://127.0.0.1:61234/back")
        ada.consent(asked)

        assert asks_for(ada.get(asked)) == "a word"

    def test_is_no_login_in_a_browser_that_logged_in_elsewhere_here(self, ada, app, browser, email):
        body = {"email": email, "password": PASSWORD, "cookie": True}
        answer = browser.post("/v1/auth/login", json=body)
        kept = answer.cookies["ilm_session"]
        ada.cookies["ilm_session"] = kept.value

        assert (kept.http_only, kept.same_site, kept.path) == (True, "Lax", "/oauth")
        assert asks_for(ada.get(app.address())) == "a word"

    def test_is_less_where_the_person_may_not(self, ada, app, email):
        Person.update(role="viewer").where(Person.email == email).execute()
        code = told_at(ada.consent(app.address(scope="books:read books:write")))["code"]

        assert app.redeem(code).json["scope"] == "books:read"

    def test_a_no_is_told_to_the_app_and_nothing_is_granted(self, ada, app):
        told = told_at(ada.consent(app.address(), decision="deny"))

        assert (told["error"], told["state"]) == ("access_denied", "a state")
        assert Grant.select().count() == Authorization.select().count() == 0

    def test_a_word_that_is_neither_is_a_no(self, ada, app):
        assert told_at(ada.consent(app.address(), decision="maybe"))["error"] == "access_denied"

    def test_a_yes_is_written_down(self, ada, app):
        ada.consent(app.address())

        entry = AuditEntry.select().where(AuditEntry.action == "oauth.granted").get()
        assert entry.details["client_id"] == app.id


class TestPrompts:
    def test_none_asks_nothing(self, ada, app):
        assert told_at(ada.get(app.address(prompt="none")))["error"] == "login_required"
        ada.get(ada.log_in(ada.get(app.address())).headers["Location"])
        assert told_at(ada.get(app.address(prompt="none")))["error"] == "consent_required"
        ada.consent(app.address())
        assert "code" in told_at(ada.get(app.address(prompt="none")))

    def test_login_asks_for_a_fresh_login_once(self, ada, app):
        ada.consent(app.address())
        page = ada.get(app.address(prompt="login"))
        assert asks_for(page) == "password"

        assert "code" in told_at(ada.get(ada.log_in(page).headers["Location"]))

    def test_consent_asks_for_the_word_again(self, ada, app):
        ada.consent(app.address())

        assert asks_for(ada.get(app.address(prompt="consent"))) == "a word"

    def test_an_old_login_is_asked_again(self, ada, app, database):
        ada.consent(app.address())
        assert "code" in told_at(ada.get(app.address(max_age="3600")))
        database.rows("update login_session set created_at = now() - interval '2 hours'")

        page = ada.get(app.address(max_age="3600"))
        assert asks_for(page) == "password"
        assert told_at(ada.get(app.address(max_age="3600", prompt="none")))["error"] == (
            "login_required"
        )
        assert "code" in told_at(ada.get(ada.log_in(page).headers["Location"]))


class TestWhatGuardsThePages:
    @pytest.fixture(params=["login", "consent", "refusal"])
    def page(self, request, ada, app):
        login = ada.get(app.address())
        if request.param == "login":
            return login
        if request.param == "refusal":
            return ada.get(app.address(client_id="nobody"))
        return ada.get(ada.log_in(login).headers["Location"])

    def test_nobody_frames_them_and_no_script_runs(self, page):
        policy = page.headers["Content-Security-Policy"]

        assert page.headers["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in policy
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "base-uri 'none'" in policy
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert "<script" not in page.text
        assert 'lang="en"' in page.text

    def test_their_style_is_the_one_that_the_policy_allows(self, page):
        (style,) = re.findall(r"<style>(.*?)</style>", page.text, re.DOTALL)
        digest = b64encode(sha256(style.encode()).digest()).decode()

        assert f"style-src 'sha256-{digest}';" in page.headers["Content-Security-Policy"]

    def test_their_forms_end_here_or_at_the_app(self, ada, app):
        policy = ada.get(app.address()).headers["Content-Security-Policy"]

        assert "form-action 'self' https://reader.example;" in policy

    def test_every_field_has_a_label(self, ada, app):
        page = ada.get(app.address()).text

        assert set(re.findall(r'<label for="(\w+)"', page)) == {"email", "password"}

    def test_what_an_app_calls_itself_is_text(self, browser, me, ada):
        evil = '"><script>alert(1)</script>$body'
        app = registered(browser, me, name=evil)
        page = ada.get(app.address())
        consent = ada.get(ada.log_in(page).headers["Location"])

        for text in (page.text, consent.text):
            assert "<script" not in text
            assert "&lt;script&gt;alert(1)&lt;/script&gt;$body" in text

    def test_what_a_request_carries_is_text(self, ada, app):
        page = ada.get(app.address(state='"><script>alert(1)</script>'))

        assert "<script" not in page.text
        assert Form(page.text).values["state"] == '"><script>alert(1)</script>'

    def test_cookies_are_for_https_alone_where_we_are_on_https(self, open_browser, email):
        secure = open_browser(public_url="https://ilm.example")
        body = {"email": email, "password": PASSWORD}
        secure.post("/v1/auth/register", json=body, protocol="https")
        login = secure.post("/v1/auth/login", json=body, protocol="https").json["access_token"]
        told = secure.post(
            "/v1/oauth/apps", protocol="https", headers={"Authorization": f"Bearer {login}"},
            json={"name": "A", "redirectUris": [BACK], "scopes": ["openid"]},
        ).json  # fmt: skip
        query = {
            "client_id": told["clientId"], "redirect_uri": BACK, "response_type": "code",
            "scope": "openid", "code_challenge": "x" * 43, "code_challenge_method": "S256",
        }  # fmt: skip

        page = secure.get("/oauth/authorize", params=query, protocol="https")

        assert page.cookies["ilm_form"].secure
        assert page.cookies["ilm_form"].http_only


def test_an_answer_stays_in_the_query_of_its_redirect_uri(browser, me, ada):
    back = f"{BACK}?tenant=1"
    app = registered(browser, me, redirectUris=[back])

    place = ada.consent(app.address(redirect_uri=back)).headers["Location"]

    assert place.startswith(f"{back}&code=")
    assert dict(parse_qsl(urlsplit(place).query))["tenant"] == "1"
