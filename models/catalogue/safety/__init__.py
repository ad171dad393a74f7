"""The lexicon of safety, a file a language."""
