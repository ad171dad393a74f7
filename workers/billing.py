"""The actor that sets statements."""

from jobs.statement_papers import SetStatement, set_statement
from workers.actors import declare
from workers.adapters.statement_paper import PaperProgram
from workers.tools import Tools


def enlist(tools: Tools) -> None:
    """Declare the actor of statements."""
    press = PaperProgram()

    declare(tools, SetStatement, lambda job, _run: set_statement(job, press))
