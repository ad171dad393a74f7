"""Passkeys on the wire: WebAuthn's own JSON, and what is told of each."""

from marshmallow import fields, validate

from api.schemas.lists import PageQuery
from api.schemas.logins import credential
from api.schemas.wire import SHOWN_ONCE, Flag, Id, Line, Moment, SnakeWire, Wire


class CreationOptionsSchema(Wire):
    """`PublicKeyCredentialCreationOptionsJSON` of Web Authentication, for this person."""

    rp = fields.Dict(
        keys=fields.String(), metadata={"example": {"id": "ilm.example.org", "name": "Ilm"}}
    )
    user = fields.Dict(
        keys=fields.String(),
        metadata={
            "example": {
                "id": "AaH40-oAfD6i1ktX1eH4ow",
                "name": "reader@example.org",
                "displayName": "Ada",
            }
        },
    )
    challenge = fields.String(metadata={"example": "dGhlIGNoYWxsZW5nZSBvZiB0aGUgcmVmZXJlbmNl"})
    pub_key_cred_params = fields.List(
        fields.Dict(keys=fields.String()), metadata={"example": [{"type": "public-key", "alg": -7}]}
    )
    timeout = fields.Integer(metadata={"example": 300_000})
    exclude_credentials = fields.List(fields.Dict(keys=fields.String()), metadata={"example": []})
    authenticator_selection = fields.Dict(
        keys=fields.String(),
        metadata={
            "example": {
                "residentKey": "required",
                "requireResidentKey": True,
                "userVerification": "required",
            }
        },
    )
    attestation = fields.String(metadata={"example": "none"})


class RequestOptionsSchema(Wire):
    """`PublicKeyCredentialRequestOptionsJSON` of Web Authentication."""

    challenge = fields.String(metadata={"example": "dGhlIGNoYWxsZW5nZSBvZiB0aGUgcmVmZXJlbmNl"})
    timeout = fields.Integer(metadata={"example": 300_000})
    rp_id = fields.String(metadata={"example": "ilm.example.org"})
    allow_credentials = fields.List(fields.Dict(keys=fields.String()), metadata={"example": []})
    user_verification = fields.String(metadata={"example": "required"})


class NewPasskeySchema(Wire):
    """A credential to keep, and what to call it."""

    name = Line(most=100, load_default="Passkey")
    credential = credential(
        required=True, told="What `navigator.credentials.create()` gave, by its `toJSON()`."
    )


class PasskeySchema(Wire):
    """A passkey. `isBackedUp`: it is synchronized by whoever keeps it."""

    id = Id("passkey", dump_only=True)
    name = fields.String(dump_only=True, metadata={"example": "Ada's phone"})
    transports = fields.List(
        fields.String(), dump_only=True, metadata={"example": ["internal", "hybrid"]}
    )
    is_backed_up = fields.Boolean(dump_only=True, metadata={"example": True})
    created_at = Moment(dump_only=True)
    last_used_at = Moment(dump_only=True, allow_none=True)


class EnrolledPasskeySchema(PasskeySchema):
    """A new passkey; the first factor brings ten recovery codes, shown once."""

    recovery_codes = fields.List(
        fields.String(), metadata={SHOWN_ONCE: True, "example": ["7k3mx-9qd2f", "p2vnz-4tzcr"]}
    )


class PasskeyNameSchema(Wire):
    """What to call a passkey."""

    name = Line(most=100, required=True)


class PasskeyQuery(PageQuery):
    """Which page of the passkeys."""


class PasskeyLoginSchema(SnakeWire):
    """What a passkey has signed, and how to log in; nobody says who they are."""

    credential = credential(
        required=True, told="What `navigator.credentials.get()` gave, by its `toJSON()`."
    )
    device = Line(least=0, most=100, load_default="")
    device_token = fields.String(load_default="", load_only=True, validate=validate.Length(max=100))
    cookie = Flag(load_default=False)
