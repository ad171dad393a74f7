"""Safety: what is asked and answered is screened before anybody else reads it (S-01 – S-06)."""
