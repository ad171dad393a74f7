"""What Ilm remembers: tables, the data of the catalogue, and the kernel below them."""
