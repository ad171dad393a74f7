"""Settings of LLMs and their vendors: keys, addresses, how long they may take, who judges."""

from dataclasses import dataclass

from models.kernel.setting_fields import count, text


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorSettings:
    """What an operator can set of vendors. By their own names where they have some."""

    openai_api_key: str = text("OPENAI_API_KEY")
    """Key at OpenAI; a vendor without a key is absent from routing."""
    openai_base_url: str = text("OPENAI_BASE_URL")
    """Address of OpenAI's API, or of anything that speaks it; empty means OpenAI's own."""
    anthropic_api_key: str = text("ANTHROPIC_API_KEY")
    """Key at Anthropic."""
    anthropic_base_url: str = text("ANTHROPIC_BASE_URL")
    """Address of Anthropic's API; empty means its own."""
    dashscope_api_key: str = text("DASHSCOPE_API_KEY")
    """Key at DashScope, which runs Qwen."""
    dashscope_base_url: str = text("DASHSCOPE_BASE_URL")
    """Address of DashScope's OpenAI-shaped API; empty means the international one."""
    gemini_api_key: str = text("GEMINI_API_KEY")
    """Key for Google's Gemini."""
    gemini_base_url: str = text("GEMINI_BASE_URL")
    """Address of Gemini's OpenAI-shaped API; empty means Google's own."""
    xai_api_key: str = text("XAI_API_KEY")
    """Key at xAI."""
    xai_base_url: str = text("XAI_BASE_URL")
    """Address of xAI's API; empty means its own."""
    deepseek_api_key: str = text("DEEPSEEK_API_KEY")
    """Key at DeepSeek."""
    deepseek_base_url: str = text("DEEPSEEK_BASE_URL")
    """Address of DeepSeek's API; empty means its own."""
    mistral_api_key: str = text("MISTRAL_API_KEY")
    """Key at Mistral."""
    mistral_base_url: str = text("MISTRAL_BASE_URL")
    """Address of Mistral's API; empty means its own."""
    llama_api_key: str = text("LLAMA_API_KEY")
    """Key at the host of Llama models that LLAMA_BASE_URL names."""
    llama_base_url: str = text("LLAMA_BASE_URL")
    """Address of any OpenAI-shaped host of Llama models; empty means there is none."""
    ollama_base_url: str = text("OLLAMA_BASE_URL")
    """Address of an Ollama, such as `http://127.0.0.1:11434/v1`; empty means there is none."""

    llm_first_token_seconds: int = count("ILM_LLM_FIRST_TOKEN_SECONDS", 30, 1, 600)
    """How long an LLM may take to its first content before another is asked."""
    llm_reasoning_first_token_seconds: int = count(
        "ILM_LLM_REASONING_FIRST_TOKEN_SECONDS", 120, 1, 600
    )
    """The same for an LLM that thinks before it speaks."""
    llm_idle_seconds: int = count("ILM_LLM_IDLE_SECONDS", 20, 1, 600)
    """How long an LLM may be silent in the middle of an answer."""
    key_box: str = text("ILM_KEY_BOX")
    """Key pair that seals callers' own keys: `private:…` for LLM workers, `public:…` for web; made
    in `$ILM_HOME/keybox` when empty, required in fleets."""

    moderation: str = text("ILM_MODERATION")
    """Who judges questions beside the lexicon: `openai`, or the address that an OpenAI-shaped
    `/moderations` follows; empty leaves it to the lexicon."""
    moderation_key: str = text("ILM_MODERATION_KEY")
    """Key at that endpoint; empty sends OPENAI_API_KEY to OpenAI, and none to an address."""
