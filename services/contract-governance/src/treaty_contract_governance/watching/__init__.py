"""Control topics governance follows: which plugins devices use, and what workers report."""
