"""How sessions are carried: WebSocket round ASGI, server-sent events through it."""
