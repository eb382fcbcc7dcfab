"""What to try while the demo runs: commands that work when pasted, hours later too."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from treaty_cli.demo.seed import Seed
from treaty_cli.home import Home

__all__ = ["hints"]


def _tool(name: str) -> str:
    """A program of this installation, as the caller would type it in the folder they are in."""
    found = Path(sys.executable).with_name(name)
    here = os.path.relpath(found)
    return shlex.quote(str(found) if here.startswith("..") else here)


def _treaty(home: Home) -> str:
    elsewhere = home.path != Path.cwd() / ".treaty"
    return _tool("treaty") + (f" --home {shlex.quote(str(home.path))}" if elsewhere else "")


def hints(home: Home, seed: Seed) -> str:
    """Each command asks for a token of its own: one token lasts for a while, the demo as long as you like."""
    treaty, running = _treaty(home), home.running()
    token = f"$({treaty} token)"
    push = running.urls["push"]
    stream = push.replace("http://", "ws://") + "/v1/stream"
    state = f"{running.urls['registry']}/v1/workspaces/{seed.workspace}/state"
    return f"""
  Live page   {push}/#token={seed.token}
  Registry    {running.urls["registry"]}/docs
  Governance  {running.urls["governance"]}/docs
  Kafka       {running.bootstrap_servers}
  Workspace   {seed.workspace}
  Token       {seed.token}

  Produce an uplink, wrapped and signed as its gateway would:
    {treaty} uplink send
  See what the devices last said:
    curl -s -H "Authorization: Bearer {token}" {state}
  Subscribe with any WebSocket client, then type the second line:
    {_tool("websockets")} "{stream}?access_token={token}"
    {{"type": "subscribe", "id": "s1"}}
  The same with reconnecting and resuming:
    {treaty} watch
  Pause a plugin and let it go on; its uplinks wait meanwhile:
    {treaty} plugin quarantine decentlab --reason "trying it out"
    {treaty} plugin reinstate decentlab
"""
