"""The runner, its simulation and its parts."""
