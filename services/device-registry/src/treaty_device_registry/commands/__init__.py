"""Actions asked of devices: which there are, what was asked, and what became of it."""
