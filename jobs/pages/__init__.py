"""Pages: the words and pictures of a book, and the port they are drawn through."""
