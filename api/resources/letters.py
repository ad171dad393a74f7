"""The pages that the links of letters lead to (A-01, A-08).

A link carries its token in the fragment, which browsers send to nobody: the page posts it, once
the person says so, and a mail scanner that opens links uses nothing up.
"""

from typing import Final

from falcon.asgi import Request, Response

from api import html

PACKAGE: Final = "api.letters"


class LetterPages:
    """A page to verify an address, and one to choose a new password."""

    def __init__(self) -> None:
        """Write the pages; they are the same for everybody."""
        style, script = (html.asset(PACKAGE, name) for name in ("style.css", "script.js"))
        template = html.asset(PACKAGE, "page.html")
        self._allowed = html.policy(style, script)
        self._verify = template.format(
            style=style,
            script=script,
            title="Your address",
            words="Say that this e-mail address is yours.",
            route="v1/auth/verify-email",
            fields="",
            button="It is mine",
            done="Your address is verified. You can log in now.",
        )
        self._reset = template.format(
            style=style,
            script=script,
            title="A new password",
            words="Choose a new password of 8 characters or more. Every login ends with it.",
            route="v1/auth/password/reset",
            fields=html.asset(PACKAGE, "password.html"),
            button="Change it",
            done="Your password is changed. Log in with the new one.",
        )

    def on_get_verify(self, _req: Request, resp: Response) -> None:
        """Answer the page that verifies an address."""
        html.show(resp, self._verify, self._allowed)

    def on_get_reset(self, _req: Request, resp: Response) -> None:
        """Answer the page that chooses a new password."""
        html.show(resp, self._reset, self._allowed)
