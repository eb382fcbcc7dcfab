"""Runs untrusted code in a confined child process.

A `Template` forks children; a `Host` supervises one target's child without blocking; `run` and `Session` are
the blocking forms for checks. A `Target` names a trusted runner and the untrusted package it works on.
"""

from treaty_sandbox.child import ChildEndedError
from treaty_sandbox.decoding import ReadingValues, codec_target, decoding_target
from treaty_sandbox.host import Host
from treaty_sandbox.limits import ALL_MECHANISMS, Limits, Mechanism, Policy
from treaty_sandbox.outcome import Applied, ChildRefusedError, Done, Failed, Ok
from treaty_sandbox.run import Run, run
from treaty_sandbox.session import Session
from treaty_sandbox.target import Target
from treaty_sandbox.template import Template, TemplateError

__all__ = [
    "ALL_MECHANISMS",
    "Applied",
    "ChildEndedError",
    "ChildRefusedError",
    "Done",
    "Failed",
    "Host",
    "Limits",
    "Mechanism",
    "Ok",
    "Policy",
    "ReadingValues",
    "Run",
    "Session",
    "Target",
    "Template",
    "TemplateError",
    "codec_target",
    "decoding_target",
    "run",
]
