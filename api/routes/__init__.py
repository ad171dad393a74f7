"""The routes: every endpoint there is, one row each, a file for each family."""
