"""The wires of others: OpenAI's and Anthropic's requests, answers and streams, translated."""
