"""The pure part: positions in the log, what is kept of it, who gets what. No sockets, no clock."""
