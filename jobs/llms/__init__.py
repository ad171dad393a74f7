"""Language models: the port to those who run them, what they are told, and what they cite."""
