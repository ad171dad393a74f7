"""What Ilm does: job values, the functions that carry them out, and the ports they act through."""
