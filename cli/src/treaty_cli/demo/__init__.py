"""The demo fleet: real uplinks produced again, and an account of what became of each."""
