"""The actor that calls LLMs."""

from jobs.llms.complete import Complete, complete
from workers.actors import declare
from workers.adapters.extractive import Extractive
from workers.tools import Tools


def enlist(tools: Tools) -> None:
    """Declare the actor of completions, with the vendors this installation has."""
    providers = {"ilm": Extractive()}

    declare(tools, Complete, lambda job, run: complete(job, providers, run))
