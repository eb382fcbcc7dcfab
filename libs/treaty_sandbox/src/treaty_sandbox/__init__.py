"""Runs untrusted code in a confined child process."""
