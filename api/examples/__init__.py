"""What the reference shows: what is sent, answered, streamed and refused looks like (DX-02)."""
