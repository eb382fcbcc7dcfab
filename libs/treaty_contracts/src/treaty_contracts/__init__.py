"""The contract model and the one engine that judges plugin packages."""
