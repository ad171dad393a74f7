"""Somebody who is registered and logged in, and has an authenticator."""

from typing import Any, Final

from falcon.testing import Result

from models.accounts import Person
from tests.api.browser import Browser
from tests.api.conftest import PASSWORD, Open, address
from tests.authenticator import Authenticator
from tests.fakes.clock import FakeClock

Me = dict[str, str]
HOME: Final = "/v1/auth/passkeys"


class Somebody:
    """Somebody who is registered, logged in, and may have a device."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.email = address()
        credentials = {"email": self.email, "password": PASSWORD}
        browser.post("/v1/auth/register", json=credentials)
        opened = browser.post("/v1/auth/login", json=credentials)
        self.me, self.refresh_token = self.bearer(opened), opened.json["refresh_token"]
        self.device = Authenticator()

    @staticmethod
    def bearer(answer: Result) -> Me:
        return {"Authorization": f"Bearer {answer.json['access_token']}"}

    def wait(self, clock: FakeClock, seconds: float) -> None:
        """Let time pass, and refresh the login."""
        clock.move(seconds)
        body = {"refresh_token": self.refresh_token}
        self.me = self.bearer(self.browser.post("/v1/auth/refresh", json=body))

    def post(self, path: str, **body: Any) -> Result:
        return self.browser.post(path, headers=self.me, json=body)

    def options(self) -> dict[str, Any]:
        answer = self.browser.post(f"{HOME}/options", headers=self.me)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json
        return found

    def enrol(self, device: Authenticator | None = None) -> Result:
        credential = (device or self.device).make(self.options())
        return self.post(HOME, name="phone", credential=credential)

    def login(self, device: Authenticator | None = None) -> Result:
        return login(self.browser, device or self.device)

    @property
    def person(self) -> Person:
        found = Person.by_email(self.email)
        assert found is not None
        return found


def login(browser: Browser, device: Authenticator) -> Result:
    options = browser.post(f"{HOME}/login/options").json
    return browser.post(f"{HOME}/login", json={"credential": device.sign(options)})


def somebody_at(open_browser: Open, clock: FakeClock) -> Somebody:
    """Return somebody at an app whose time is a clock's."""
    return Somebody(open_browser(parts={"clock": clock}))
