"""The clock: what has to happen without anybody asking."""
