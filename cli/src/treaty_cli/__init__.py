"""The control plane: bring up, scaffold, check, replay, benchmark."""
