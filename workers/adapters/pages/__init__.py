"""Documents through MuPDF and Pillow, in child processes that may hang, swell or crash."""
