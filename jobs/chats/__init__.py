"""Chats: conversations that are kept, and the answers LLMs write into them."""
