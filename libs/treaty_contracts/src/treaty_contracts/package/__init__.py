"""A plugin package as bytes: every file read once, hashed, and never followed out of its folder."""

from treaty_contracts.package.snapshot import PackageTooLargeError, Snapshot, take

__all__ = ["PackageTooLargeError", "Snapshot", "take"]
