"""The watch: what is wrong with this installation, found and told by itself (I-08)."""
