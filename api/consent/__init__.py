"""The pages people see when an app asks for their consent: no script, no picture (A-15)."""
