"""The wire's shapes: one schema a thing, and nothing else."""
