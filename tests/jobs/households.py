"""Households: somebody with a row wherever there can be one of theirs, and with blobs."""

from dataclasses import dataclass
from typing import Any, Final

from models.accounts import Person
from models.books import StoredFile
from models.kernel.blobs import Blobs
from tests import factories, organization_factories, webhook_factories

MARK: Final = "Plugh"
"""A word that stands in everything they wrote."""
EMAIL: Final = "plugh@example.org"


@dataclass
class Household:
    """Somebody with a row in every table that can hold one of theirs, and blobs."""

    who: Person
    blobs: Blobs
    content: bytes

    def __post_init__(self) -> None:
        me, account = self.who, self.who.account_id
        self.book = factories.book(me, self.content, title=MARK, visibility="public")
        factories.page(self.book)
        factories.page_text(self.book, content=MARK)
        factories.page_wish(self.book)
        self.file = factories.file(account, name=MARK)
        self.batch = factories.batch(account, input_file_id=None, input_key=f"batches/{me.id.hex}")
        factories.batch_line(self.batch, asked=f'"{MARK}"')
        self._rows(me)
        self._account_rows(account)
        self.jobs = [
            factories.job(account, state="succeeded", input={"text": MARK}, result={"text": MARK}),
            factories.job(
                type="mail.send", state="succeeded", input={"kind": "verify", "email": me.email}
            ),
        ]
        stored = StoredFile.get(StoredFile.sha256 == self.book.file_sha256)
        self.keys = [
            str(stored.key),
            str(self.file.key),
            self.batch.input_key,
            f"books/{self.book.id.hex}/pages/medium/1.jpg",
            f"books/{self.book.id.hex}/covers/x.jpg",
            f"people/{me.id.hex}/avatar/x/512.webp",
        ]
        for key in self.keys:
            self.blobs.put(key, b"bytes")

    def _rows(self, me: Person) -> None:
        key = factories.api_key(me, name=MARK)
        factories.key_usage(key)
        chat = factories.chat(me, title=MARK)
        answer = factories.message(chat, content=MARK)
        factories.message_feedback(answer, person_id=me.id, comment=MARK)
        factories.prompt(me, title=MARK)
        factories.login_session(me, device=MARK)
        factories.login_attempt(user_id=me.id, email=me.email)
        factories.login_attempt(email=me.email)
        factories.factor(me)
        factories.passkey(me, name=MARK)
        factories.identity(me, subject=MARK)
        factories.sign_in(me)
        factories.recovery_code(me)
        factories.proof(me, email=me.email)
        factories.person_preferences(person_id=me.id, kept={"theme": MARK})
        factories.money_letter(me.id)
        factories.audit_entry(account_id=me.account_id, person_id=me.id, actor_id=me.id)
        factories.rate_limit(kind="user", subject=me.id.hex)
        factories.rate_limit(kind="key", subject=key.id.hex)

        self._elsewhere(me)

    def _elsewhere(self, me: Person) -> None:
        """What they have at apps and in an organization, which outlives them."""
        mine = factories.oauth_app(account=me.account_id, user=me.id, name=MARK)
        self.granted_to_them = factories.oauth_grant(app=mine.id)
        factories.oauth_authorization(app=mine.id, grant=self.granted_to_them.id)
        granted = factories.oauth_grant(account=me.account_id, user=me.id)
        factories.oauth_authorization(grant=granted.id, app=granted.app_id, user=me.id)
        team = organization_factories.team()
        organization_factories.membership(me, account_id=team.account_id)
        organization_factories.team_member(team, me.id)
        organization_factories.invitation(account_id=team.account_id, email=me.email)
        self.shared = factories.chat(me, account_id=team.account_id, title="Of us all")

    def _account_rows(self, account: Any) -> None:
        factories.cached_answer(account, answer={"text": MARK})
        factories.flag(account)
        factories.forgotten_answer(account)
        factories.idempotency_key(account)
        factories.lane(account)
        factories.event(account, data={"book": {"title": MARK}})
        factories.hold(account)
        factories.ledger_entry(account=f"wallet:{account}")
        factories.usage_line(account)
        factories.usage_day(account)
        factories.statement(account)
        factories.statement_paper(account)
        factories.credit_period(account)
        factories.budget(account)
        factories.purchase(account)
        webhook = webhook_factories.webhook_with_secret(account)
        webhook_factories.webhook_attempt(webhook_factories.webhook_delivery(webhook))
        factories.ledger_note(account)
        factories.llm_call(account)

    @property
    def blobs_left(self) -> list[str]:
        return [key for key in self.keys if (self.blobs.local_path(key) or key).exists()]
