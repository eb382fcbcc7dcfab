"""OpenTelemetry traces, where the standard environment variables ask for them; nothing otherwise.

Only `context` and `setup` may be imported at start: `setup` imports the SDK, and what stands on it, once a
trace is to leave the process.
"""
