"""What answers: plain, synchronous methods of five lines or so."""
