"""The daemon as the command line sees it: blocking calls over the Unix socket.

Nouns: `Client` (client.py) asks and returns dicts or a `Stream` of them; `UnixConnection`
(connection.py) is HTTP over the socket; streams.py cuts answers into JSON objects; autostart.py
starts the daemon when none answers; load.py is the load generator of `llmd bench`, on asyncio and
aiohttp where the others import neither, so that `llmd ps` stays quick. Failures arrive as the same
`LlmdError` that the daemon raised, or as `DaemonUnreachable`. Knows nothing of terminals.
"""
