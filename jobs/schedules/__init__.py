"""Schedules: what is done without anybody asking, when, and what came of it."""
