"""Lists of LLMs, as the clients of both vendors read them."""

import anthropic
import openai

from jobs.wires.models import anthropic_model, anthropic_models, openai_model, openai_models
from models.embedders import embedders
from models.llms import llms
from tests.jobs.wires.loopback import Loopback

OFFERED = [(llm, llm.tier == "free") for llm in llms().values()]
NAMES = [llm.name for llm, _ in OFFERED]
EMBEDDERS = [(embedder, True) for embedder in embedders().values()]


def test_openais_client_lists_them(client: openai.OpenAI, server: Loopback) -> None:
    server.answers(openai_models([*OFFERED, *EMBEDDERS]))

    listed = client.models.list().data

    assert [model.id for model in listed] == [*NAMES, *embedders()]
    may = [may for _, may in (*OFFERED, *EMBEDDERS)]
    assert [model.x_ilm["accessible"] for model in listed] == may
    kinds = ["llm"] * len(OFFERED) + ["embedder"] * len(EMBEDDERS)
    assert [model.x_ilm["kind"] for model in listed] == kinds


def test_openais_client_reads_one(client: openai.OpenAI, server: Loopback) -> None:
    llm = llms()["gpt-4o-mini"]
    server.answers(openai_model(llm, accessible=True))

    model = client.models.retrieve(llm.name)

    assert (model.id, model.object, model.owned_by) == ("gpt-4o-mini", "model", "openai")
    assert model.created == 1_721_260_800


def test_anthropics_client_lists_them(claude: anthropic.Anthropic, server: Loopback) -> None:
    server.answers(anthropic_models(OFFERED))

    page = claude.models.list()

    assert [model.id for model in page.data] == NAMES
    assert (page.has_more, page.first_id, page.last_id) == (False, NAMES[0], NAMES[-1])


def test_anthropics_client_reads_one(claude: anthropic.Anthropic, server: Loopback) -> None:
    llm = llms()["gpt-4o-mini"]
    server.answers(anthropic_model(llm, accessible=True))

    model = claude.models.retrieve(llm.name)

    assert (model.id, model.type, model.display_name) == (llm.name, "model", llm.title)
    assert model.created_at.isoformat() == "2024-07-18T00:00:00+00:00"
    assert (model.max_input_tokens, model.lifecycle) == (llm.window, "active")


def test_an_empty_list_is_one() -> None:
    assert openai_models([])["data"] == []
    assert anthropic_models([])["first_id"] is None
