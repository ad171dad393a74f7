"""Logins on the wire: tokens in RFC 6749's shape, sessions, second factors, proofs by mail."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from api.schemas.accounts import LONGEST_EMAIL, Email, new_password
from api.schemas.lists import PageQuery
from api.schemas.wire import SELDOM, SHOWN_ONCE, Flag, Id, Line, Moment, SnakeWire, Wire
from jobs.passwords import MOST

LONGEST_TOKEN = 4096

_CODE = "A code of the authenticator app or of a mail (six digits), or a recovery code."


def credential(*, told: str, **options: Any) -> fields.Dict:
    """Return the field of a public key credential, as browsers write it in JSON."""
    return fields.Dict(
        keys=fields.String(), load_only=True, metadata={"description": told}, **options
    )


class LoginSchema(SnakeWire):
    """Who wants to log in. `device` is a name for where from."""

    email = fields.String(required=True, validate=validate.Length(max=LONGEST_EMAIL))
    password = fields.String(required=True, load_only=True, validate=validate.Length(max=MOST))
    device = Line(least=0, most=100, load_default="")
    device_token = fields.String(
        load_default="",
        load_only=True,
        validate=validate.Length(max=100),
        metadata={"description": "What an earlier login answered; shows that the device is known."},
    )
    cookie = Flag(
        load_default=False,
        metadata={"description": "Keep the refresh token in a cookie that no script can read."},
    )


class TokenSchema(SnakeWire):
    """Tokens, in RFC 6749's shape. With `cookie` the refresh token is in one, and not here."""

    access_token = fields.String(metadata={SHOWN_ONCE: True, "example": "eyJhbGciOiJSUzI1NiIs…"})
    token_type = fields.String(metadata={"example": "Bearer"})
    expires_in = fields.Integer(
        metadata={"description": "Seconds the access token is good for.", "example": 900}
    )
    refresh_token = fields.String(metadata={SHOWN_ONCE: True, "example": "ilr_…"})
    device_token = fields.String(
        metadata={
            SHOWN_ONCE: True,
            "description": "Send it with the next login from here.",
            "example": "ild_…",
        }
    )
    csrf_token = fields.String(
        metadata={
            SHOWN_ONCE: True,
            "description": "Send it as X-CSRF-Token beside the cookie.",
            SELDOM: True,
        }
    )


class RefreshSchema(SnakeWire):
    """The refresh token; without it the cookie counts, and X-CSRF-Token is wanted."""

    refresh_token = fields.String(
        load_default="", load_only=True, validate=validate.Length(max=LONGEST_TOKEN)
    )


class LoginSessionSchema(Wire):
    """A login that can still be refreshed."""

    id = Id("sess", dump_only=True)
    device = fields.String(dump_only=True, metadata={"example": "Ada's laptop"})
    address = fields.String(dump_only=True, metadata={"example": "203.0.113.7"})
    agent = fields.String(
        dump_only=True,
        metadata={
            "example": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
        },
    )
    created_at = Moment(dump_only=True)
    last_used_at = Moment(dump_only=True, attribute="rotated_at")
    expires_at = Moment(dump_only=True, metadata={"example": "2026-12-20T12:00:00.000Z"})
    is_current = fields.Boolean(dump_only=True, metadata={"example": True})


class LoginSessionQuery(PageQuery):
    """Which page of the logins."""


class ProofSchema(Wire):
    """The token of a mail."""

    token = fields.String(required=True, load_only=True, validate=validate.Length(1, 200))


class AddressSchema(Wire):
    """Who is to have a letter."""

    email = Email(required=True, validate=validate.Length(max=LONGEST_EMAIL))


class ResetSchema(ProofSchema):
    """The token of a mail, and the password to be."""

    password = new_password()


class CodeSchema(SnakeWire):
    """A code of the second factor that is to be confirmed."""

    code = fields.String(required=True, load_only=True, validate=validate.Length(1, 32))


class VerifySchema(SnakeWire):
    """A code or an assertion; ends the login of `mfa_token`, or steps up the one that calls."""

    code = fields.String(
        load_default="",
        load_only=True,
        validate=validate.Length(1, 32),
        metadata={"description": _CODE},
    )
    mfa_token = fields.String(
        load_default="", load_only=True, validate=validate.Length(max=LONGEST_TOKEN)
    )
    device_token = fields.String(load_default="", load_only=True, validate=validate.Length(max=100))
    assertion = credential(
        load_default=None, told="What `navigator.credentials.get()` gave, by its `toJSON()`."
    )

    @validates_schema
    def is_one(self, data: dict[str, Any], **_: Any) -> None:
        """Refuse a code beside an assertion, and neither."""
        if bool(data["code"]) == bool(data["assertion"]):
            raise ValidationError("Send a code or an assertion.", "code")


class PassSchema(SnakeWire):
    """What a login answered that wants a second factor."""

    mfa_token = fields.String(
        required=True, load_only=True, validate=validate.Length(1, LONGEST_TOKEN)
    )


class SomePassSchema(SnakeWire):
    """The same; without it the login that calls counts."""

    mfa_token = fields.String(
        load_default="", load_only=True, validate=validate.Length(max=LONGEST_TOKEN)
    )


class TotpSchema(Wire):
    """The secret for an authenticator app, shown once."""

    secret = fields.String(
        metadata={
            SHOWN_ONCE: True,
            "description": "In base32, to be typed in by hand.",
            "example": "MFRGGZDFMZTWQ2LK…",
        }
    )
    uri = fields.String(
        metadata={
            SHOWN_ONCE: True,
            "description": "To be shown as a QR code.",
            "example": "otpauth://totp/Ilm%3Areader%40example.org?secret=MFRGGZDFMZTWQ2LK…&issuer=Ilm&digits=6",
        }
    )


class RecoveryCodesSchema(Wire):
    """Ten codes, each good once, shown once. None when a further factor is confirmed."""

    recovery_codes = fields.List(
        fields.String(), metadata={SHOWN_ONCE: True, "example": ["7k3mx-9qd2f", "p2vnz-4tzcr"]}
    )


class FactorsSchema(Wire):
    """The second factors that are confirmed, and how many recovery codes are left."""

    factors = fields.List(
        fields.String(validate=validate.OneOf(["email", "passkey", "totp"])),
        metadata={"example": ["totp"]},
    )
    recovery_codes_left = fields.Integer(metadata={"example": 10})


class SteppedUpSchema(SnakeWire):
    """What a code came to: tokens, when it ended a login; else only how long it counts."""

    access_token = fields.String(metadata={SHOWN_ONCE: True, "example": "eyJhbGciOiJSUzI1NiIs…"})
    token_type = fields.String(metadata={"example": "Bearer"})
    expires_in = fields.Integer(metadata={"example": 900})
    refresh_token = fields.String(metadata={SHOWN_ONCE: True, "example": "ilr_…"})
    device_token = fields.String(metadata={SHOWN_ONCE: True, "example": "ild_…"})
    csrf_token = fields.String(metadata={SHOWN_ONCE: True, SELDOM: True})
    stepped_up_seconds = fields.Integer(
        metadata={"description": "For how long the login may administer.", SELDOM: True}
    )
