"""The pages an app sends people to: logging in, and consenting (A-15)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from falcon.asgi import Request, Response

from api.consent.screens import hidden, items, show
from api.cookies import Cookies
from api.forms import Forms
from api.origins import origin_of
from jobs.logins import LoginWish
from jobs.oauth.authorizing import Authorizer, Consent, LogIn, Redirect, Step
from jobs.oauth.redirects import origin_of as app_origin
from jobs.oauth.requests import Asked
from jobs.oauth.scopes import known
from jobs.oauth.signing_in import CodeWanted, Shown, SigningIn
from models.factors import EMAIL
from models.kernel.errors import Forbidden
from models.kernel.settings import Network

AUTHORIZE: Final = "/oauth/authorize"
SEE_OTHER: Final = 303

_OWN: Final = frozenset({"form_token", "decision", "email", "password", "mfa_token", "code"})
_BY_MAIL: Final = "of the mail that is on its way to you, or a recovery code"
_BY_APP: Final = "of your authenticator app, or a recovery code"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """What the pages act through."""

    authorizer: Authorizer
    signing_in: SigningIn
    cookies: Cookies
    forms: Forms
    proxies: tuple[Network, ...]

    def show(self, req: Request, resp: Response, step: Step) -> None:
        """Answer with a step: back to the app, or a page."""
        if isinstance(step, Redirect):
            resp.status = SEE_OTHER
            resp.location = step.address
        elif isinstance(step, LogIn):
            self._ask_login(req, resp, step)
        else:
            self._ask_consent(resp, step)

    def _ask_login(self, req: Request, resp: Response, step: LogIn) -> None:
        token = self.forms.for_browser(req, resp, step.fields)
        values = {"app": step.asked.target.app.name}
        fields = hidden({**step.fields, "form_token": token})
        show(resp, "login", "Log in", values, ends_at=_end(step.asked), hidden=fields)

    def ask_code(self, req: Request, resp: Response, step: LogIn, wanted: CodeWanted) -> None:
        """Answer with the page that takes a code of a second factor."""
        token = self.forms.for_browser(req, resp, step.fields)
        fields = {**step.fields, "form_token": token, "mfa_token": wanted.mfa_token}
        kinds = {"kinds": _BY_MAIL if wanted.kinds == (EMAIL,) else _BY_APP}
        show(resp, "code", "One more step", kinds, ends_at=_end(step.asked), hidden=hidden(fields))

    def _ask_consent(self, resp: Response, step: Consent) -> None:
        asked, app = step.asked, step.asked.target.app
        token = self.forms.for_login(step.signed_in.session_id, asked.fields)
        values = {
            "app": app.name,
            "homepage": f" ({app.homepage_url})" if app.homepage_url else "",
            "person": step.signed_in.person.email,
            "destination": urlsplit(asked.target.redirect_uri).netloc,
            "again": address_of({**asked.fields, "prompt": "login"}),
        }
        show(
            resp, "consent", f"Let {app.name} in?", values,
            ends_at=_end(asked),
            scopes=items(words for scope, words in known().items() if scope in step.scopes),
            hidden=hidden({**asked.fields, "form_token": token}),
        )  # fmt: skip


class Authorizing:
    """Where an app sends people, and where they say yes or no."""

    def __init__(self, counter: Counter) -> None:
        """Take what the pages act through."""
        self._counter = counter

    def on_get(self, req: Request, resp: Response) -> None:
        """Ask for what is missing, or send the person back with a code."""
        counter = self._counter
        signed_in = counter.authorizer.signed_in(counter.cookies.session_id(req))
        counter.show(req, resp, counter.authorizer.begin(req.context.query, signed_in))

    def on_post(self, req: Request, resp: Response) -> None:
        """Take the person's word, if it came from our page."""
        counter, body = self._counter, req.context.body
        fields = _fields_of(body)
        signed_in = counter.authorizer.signed_in(counter.cookies.session_id(req))
        req.context.back = address_of(fields)
        if signed_in is None:
            raise Forbidden("the login is over: log in again")
        counter.forms.check_login(signed_in.session_id, fields, body.get("form_token", ""))
        step = counter.authorizer.decide(
            fields,
            signed_in,
            req.context.request_id,
            is_allowed=body.get("decision") == "allow",
        )
        counter.show(req, resp, step)


class LoginPage:
    """Logging in on the way to an app."""

    def __init__(self, counter: Counter) -> None:
        """Take what the pages act through."""
        self._counter = counter

    def on_post(self, req: Request, resp: Response) -> None:
        """Take a password, or a code after it, and go on with what the app asked."""
        counter, body = self._counter, req.context.body
        fields = _fields_of(body)
        counter.forms.check_browser(req, fields, body.get("form_token", ""))
        req.context.back = address_of(fields)
        opened = self._opened(req, body)
        if isinstance(opened, CodeWanted):
            step = counter.authorizer.begin(fields, None)
            if isinstance(step, LogIn):
                counter.ask_code(req, resp, step, opened)
                return
            counter.show(req, resp, step)
            return
        counter.cookies.set(resp, opened.session, opened.refresh_token)
        if opened.device_token:
            counter.cookies.keep_device(resp, opened.device_token)
        resp.status = SEE_OTHER
        resp.location = address_of(fields)

    def _opened(self, req: Request, body: Mapping[str, str]) -> Any:
        counter = self._counter
        origin, device_token = origin_of(req, counter.proxies), counter.cookies.device_token(req)
        if body.get("mfa_token"):
            shown = Shown(body["mfa_token"], body.get("code", ""), device_token)
            return counter.signing_in.by_code(shown, origin)
        wish = LoginWish(
            email=body.get("email", ""),
            password=body.get("password", ""),
            device="browser",
            device_token=device_token,
            has_cookie=True,
        )
        return counter.signing_in.by_password(wish, origin)


def address_of(fields: Mapping[str, str]) -> str:
    """Return where a request for authorization is asked again."""
    return f"{AUTHORIZE}?{urlencode(fields)}"


def _fields_of(body: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in body.items() if name not in _OWN}


def _end(asked: Asked) -> str:
    return app_origin(asked.target.redirect_uri)
