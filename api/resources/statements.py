"""Statements, as an account reads its own (B-12)."""

from typing import Final

from falcon import HTTP_202
from falcon.asgi import Request, Response

from api.endpoints import PDF
from api.resources.jobs import answer_job, sender_of
from api.schemas.lists import page_of
from api.schemas.statements import StatementHeadSchema, StatementSchema
from jobs.queue import Queue
from jobs.statement_papers import SetStatement, paper
from jobs.statements import statement
from models.credits import Credit
from models.jobs import JobRow
from models.listings import Listing
from models.statements import first_of, months

_STATEMENT: Final = StatementSchema()


class Statements:
    """What the months of an account have moved."""

    def __init__(self, queue: Queue) -> None:
        """Take where jobs go: PDFs are set by a worker."""
        self._queue = queue

    def on_get(self, req: Request, resp: Response) -> None:
        """List the months that have one, newest first."""
        account_id, wish = req.context.principal.account_id, req.context.query
        Credit.of(account_id)
        found = months(account_id)
        skipped = (wish["page"] - 1) * wish["limit"]
        shown = found[skipped : skipped + wish["limit"]]
        listing = Listing(shown, wish["page"], wish["limit"], len(found))
        resp.media = page_of(StatementHeadSchema).dump(listing)

    def on_get_one(self, req: Request, resp: Response, period: str) -> None:
        """Show one."""
        account_id = req.context.principal.account_id
        Credit.of(account_id)
        resp.media = _STATEMENT.dump(statement(account_id, first_of(period)))

    def on_get_paper(self, req: Request, resp: Response, period: str) -> None:
        """Send the PDF, or answer 202 with the job that sets it."""
        account_id = req.context.principal.account_id
        Credit.of(account_id)
        found = paper(account_id, period)
        if found is not None:
            resp.content_type, resp.data = PDF, found
            resp.set_header("Content-Disposition", f'attachment; filename="ilm-{period}.pdf"')
            return
        job = SetStatement(account_id, period)
        going_on: JobRow | None = next(iter(JobRow.open_about(job.subject)), None)
        resp.status = HTTP_202
        answer_job(resp, going_on or self._queue.put(job, sender_of(req)))
