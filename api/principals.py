"""Principals: who calls, by which credential, and what that lets them do.

A credential is looked up at every request, so that what is revoked or suspended ends at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from falcon.asgi import Request

from api.callers import caller_of, is_within
from api.endpoints import ANY_PRINCIPAL, LOGGED_IN
from api.origins import origin_of
from api.shown import NO_ORGANIZATION, Shown, shown_by
from jobs.accounts import standing, standing_of_login
from jobs.issuers.outsiders import Outsiders
from jobs.keys import TEST, Bounds, Grantor, is_key, use_key
from jobs.oauth.scopes import as_permissions
from jobs.oauth.standing import standing_of
from jobs.tokens import Delegated, Tokens
from models.accounts import KeyStanding, SessionStanding, Standing
from models.factors import wants_step_up
from models.kernel.clock import Clock
from models.kernel.denials import StepUpRequired
from models.kernel.errors import (
    Forbidden,
    InsufficientPermissions,
    NotFound,
    Unauthorized,
)
from models.kernel.logs import get_logger
from models.kernel.settings import Network
from models.oauth import AuthorizationStanding
from models.organizations import MemberStanding
from models.roles import in_sandbox

SESSION: Final = "session"
API_KEY: Final = "api_key"
OAUTH: Final = "oauth"
ISSUER: Final = "issuer"
STEPPED_UP_FOR: Final = timedelta(minutes=15)

_NO_LOGIN: Final = "an API key, an app or an outside token may not do this: log in"
_AS_ONESELF: Final = "this is not done for an organization: do it as yourself"

log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who calls.

    `scopes` are those of an API key, where none means all its person may do, or those of an app's
    token, where none means nothing.
    """

    account_id: UUID
    user_id: UUID
    role: str
    tier: str
    mode: str
    scopes: frozenset[str]
    permissions: frozenset[str]
    credential: str
    key_id: UUID | None = None
    session_id: UUID | None = None
    authorization_id: UUID | None = None
    """By which authorization an app's token is."""
    organization_id: UUID | None = None
    """The organization they act for, whose account `account_id` is then (A-26)."""
    is_stepped_up: bool = False
    """Whether a second factor was shown in the last 15 minutes, or when the key was made."""
    ai_preferences: Mapping[str, Any] = field(default_factory=dict)
    bounds: Bounds = field(default_factory=Bounds)
    """Within what an API key is used."""

    def may(self, permission: str) -> bool:
        """Say whether this caller carries a permission."""
        return permission in {ANY_PRINCIPAL, LOGGED_IN} or permission in self.permissions

    def require(self, permission: str) -> None:
        """Raise `InsufficientPermissions` for a permission this caller does not carry."""
        if not self.may(permission):
            raise InsufficientPermissions(f"this needs the permission {permission}")

    @property
    def login_id(self) -> UUID:
        """The login this is; raise `Forbidden` for a key or an app, which may not manage logins."""
        if self.session_id is None:
            raise Forbidden(_NO_LOGIN)
        return self.session_id

    @property
    def grantor(self) -> Grantor:
        """On whose behalf keys are made by this caller."""
        return Grantor(
            self.account_id,
            self.user_id,
            self.mode,
            self.permissions,
            self.scopes,
            is_stepped_up=self.is_stepped_up,
            bounds=self.bounds,
        )


class Doorkeeper:
    """Tells who calls, and refuses who may not."""

    def __init__(
        self,
        tokens: Tokens,
        outsiders: Outsiders,
        clock: Clock,
        *,
        idle: timedelta,
        wants_step_up: bool = False,
        proxies: Sequence[Network] = (),
    ) -> None:
        """Take what reads tokens, what reads others', and the time.

        `idle` is how long a login lives without being refreshed. Whoever administers shows a
        second factor with `wants_step_up`; `proxies` are ours.
        """
        self._tokens = tokens
        self._outsiders = outsiders
        self._clock = clock
        self._idle = idle
        self._wants_step_up = wants_step_up
        self._proxies = proxies

    def admit(self, req: Request, permission: str, shown: Shown | None = None) -> Principal:
        """Return who calls, by what is shown: by the request's headers unless in another way.

        Raises `Unauthorized`, which is logged; `Forbidden` for a key used from elsewhere, where a
        login is wanted, or where nobody acts for another; `NotFound` for an organization that they
        are not in; `InsufficientPermissions`; `StepUpRequired`.
        """
        try:
            principal = self._identify(req, shown or shown_by(req))
        except Unauthorized as error:
            log.warning("auth.refused", code=error.code, why=error.message)
            raise
        if permission == LOGGED_IN and principal.session_id is None:
            raise Forbidden(_NO_LOGIN)
        if permission == LOGGED_IN and principal.organization_id is not None:
            raise Forbidden(_AS_ONESELF)
        principal.require(permission)
        if self._wants_step_up and wants_step_up(permission) and not principal.is_stepped_up:
            raise StepUpRequired
        return principal

    def _identify(self, req: Request, shown: Shown) -> Principal:
        if shown.login_id is not None:
            login = standing_of_login(shown.login_id, self._idle, self._clock)
            return self._logged_in(login, shown)
        credential = shown.credential
        if is_key(credential):
            key = use_key(credential, self._clock)
            if key.ip_allow and not is_within(caller_of(req, self._proxies).address, key.ip_allow):
                raise Forbidden("this API key may not be used from this address")
            return _acting(_of_key(key), shown.organization_id, key.account_id)
        outside = self._outsiders.standing(credential, origin_of(req, self._proxies))
        if outside is not None:
            return _acting(_of_outsider(outside), shown.organization_id, outside.account_id)
        claimed = self._tokens.read_any(credential)
        if isinstance(claimed, Delegated):
            if shown.organization is not None:
                raise Forbidden("an app does not act for organizations")
            return _of_app(*standing_of(claimed, self._clock))
        return self._logged_in(standing(claimed, self._idle, self._clock), shown)

    def _logged_in(self, session: SessionStanding, shown: Shown) -> Principal:
        at = session.stepped_up_at
        is_stepped_up = at is not None and self._clock.now() - at <= STEPPED_UP_FOR
        principal = _of_session(session, is_stepped_up=is_stepped_up)
        return _acting(principal, shown.organization_id, principal.account_id)


def _of_person(person: Standing, **credential: Any) -> Principal:
    """Return a principal that is a person, by one credential of theirs or another."""
    return Principal(
        account_id=person.account_id,
        user_id=person.person_id,
        role=person.role,
        tier=person.tier,
        ai_preferences=person.ai_preferences,
        **credential,
    )


def _of_session(session: SessionStanding, *, is_stepped_up: bool) -> Principal:
    person = session.person
    return _of_person(
        person,
        mode="live",
        scopes=frozenset(),
        permissions=person.permissions,
        credential=SESSION,
        session_id=session.id,
        is_stepped_up=is_stepped_up,
    )


def _of_key(key: KeyStanding) -> Principal:
    person = key.person
    permissions = person.permissions & key.scopes if key.scopes else person.permissions
    return _of_person(
        person,
        mode=key.mode,
        scopes=key.scopes,
        permissions=permissions & in_sandbox() if key.mode == TEST else permissions,
        credential=API_KEY,
        key_id=key.id,
        is_stepped_up=key.is_stepped_up,
        bounds=Bounds(
            expires_at=key.expires_at,
            ip_allow=key.ip_allow,
            rate_limit_per_minute=key.rate_limit_per_minute,
        ),
    )


def _acting(principal: Principal, wanted: UUID | None, bound: UUID) -> Principal:
    """Return a principal as who they act for: an organization that is named, or a key's own.

    They may do there what they may do at all and their role there carries. A key of an
    organization is of no use for another, nor without its maker in it.
    """
    is_bound = bound != principal.account_id
    if wanted is None and not is_bound:
        return principal
    if is_bound and wanted not in {None, bound}:
        raise NotFound(NO_ORGANIZATION)
    member = MemberStanding.of(wanted or bound, principal.user_id)
    if member is None and is_bound:
        raise Unauthorized("this API key does not hold")
    if member is None:
        raise NotFound(NO_ORGANIZATION)
    return replace(
        principal,
        account_id=member.account_id,
        organization_id=member.account_id,
        permissions=principal.permissions & member.permissions,
    )


def _of_app(authorization: AuthorizationStanding, scopes: frozenset[str]) -> Principal:
    person = authorization.person
    return _of_person(
        person,
        mode="live",
        scopes=scopes,
        permissions=as_permissions(scopes),
        credential=OAUTH,
        authorization_id=authorization.id,
    )


def _of_outsider(person: Standing) -> Principal:
    return _of_person(
        person,
        mode="live",
        scopes=frozenset(),
        permissions=person.permissions,
        credential=ISSUER,
    )
