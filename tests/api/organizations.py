"""An organization to test with: who is in it, and how they ask for it."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from falcon.testing import Result

from models.kernel.ids import wire_id
from tests import factories
from tests.api.browser import Browser
from tests.api.reader import Reader

ALL = "/v1/organizations"


@dataclass(frozen=True)
class House:
    """An organization that somebody made."""

    browser: Browser
    owner: Reader
    id: str

    @property
    def path(self) -> str:
        return f"{ALL}/{self.id}"

    @property
    def account_id(self) -> UUID:
        return UUID(self.id.removeprefix("org_"))

    def with_(self, role: str, /, **person: Any) -> Reader:
        """Return somebody new in it, of a role."""
        member = Reader(self.browser, factories.person(**person))
        factories.BY_TABLE["membership"](member.person, account_id=self.account_id, role=role)
        return member

    def ask(self, who: Reader, method: str, path: str, **options: Any) -> Result:
        """Ask as somebody who acts for it."""
        headers = {"X-Organization": self.id, **options.pop("headers", {})}
        return who.send(method, path, headers=headers, **options)

    def change(self, who: Reader, whom: Reader, role: str) -> Result:
        """Have somebody give another one a role, as themselves."""
        return who.patch(f"{self.path}/members/{user(whom)}", json={"role": role})

    def remove(self, who: Reader, whom: Reader) -> Result:
        """Have somebody take another one out."""
        return who.delete(f"{self.path}/members/{user(whom)}")

    def role_of(self, who: Reader) -> str:
        """Return what somebody is in it, with their teams."""
        return str(who.get(self.path).json["role"])


def founded(browser: Browser, **owner: Any) -> House:
    """Have somebody make an organization."""
    founder = Reader(browser, factories.person(**owner))
    made = founder.post(ALL, json={"name": "The Reading Room"})
    assert made.status_code == 201
    return House(browser, founder, made.json["id"])


def user(reader: Reader) -> str:
    return wire_id("user", reader.person.id)
