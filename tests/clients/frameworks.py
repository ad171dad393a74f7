"""`python -m tests.clients.frameworks NAME`: one framework at the gateway, in a process of its own.

Their clients leave sockets to the collector, which is theirs to mend. Prints what it heard as JSON.
"""

import asyncio
import json
import os
import sys
from typing import Any

from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic_ai import Agent
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider

LLM = "gpt-4o-mini"
ASKED = "Where does the walrus live?"
URL, KEY = os.environ["ILM_AT"], os.environ["ILM_WITH"]


@tool
def look(at: str) -> str:
    """Look at something."""
    return at


def langchain(wire: str) -> dict[str, Any]:
    """Invoke, stream, and bind a tool."""
    chat = ChatOpenAI(
        model=LLM, base_url=f"{URL}/v1", api_key=KEY, use_responses_api=wire == "responses"
    )
    return {
        "whole": chat.invoke(ASKED).text,
        "streamed": "".join(piece.text for piece in chat.stream(ASKED)),
        "usage": chat.invoke(ASKED).usage_metadata,
        "tools": [
            [call["name"], call["args"]]
            for call in chat.bind_tools([look]).invoke("Use the tool").tool_calls
        ],
    }


def pydantic(wire: str) -> dict[str, Any]:
    """Run an agent, whole and streamed."""
    openai = OpenAIProvider(base_url=f"{URL}/v1", api_key=KEY)
    models = {
        "chat": lambda: OpenAIChatModel(LLM, provider=openai),
        "responses": lambda: OpenAIResponsesModel(LLM, provider=openai),
        "anthropic": lambda: AnthropicModel(
            LLM, provider=AnthropicProvider(api_key=KEY, base_url=URL)
        ),
    }
    agent = Agent(models[wire]())

    async def both() -> dict[str, Any]:
        whole = (await agent.run(ASKED)).output
        async with agent.run_stream(ASKED) as run:
            return {"whole": whole, "streamed": await run.get_output()}

    return asyncio.run(both())


if __name__ == "__main__":
    framework, _, wire = sys.argv[1].partition(":")
    print(json.dumps({"langchain": langchain, "pydantic": pydantic}[framework](wire)))
