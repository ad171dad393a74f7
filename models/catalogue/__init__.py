"""What product may change without changing code: queues, errors, roles, categories, LLMs."""
