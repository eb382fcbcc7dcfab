"""Runs the package in a confined child and judges what comes back."""
