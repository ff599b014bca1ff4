"""The pages that browsers get: chat at `/`, administration at `/admin`, the login.

Pages are templates filled on the server; what changes on them comes from calls under `/web/`, which
only these pages make: they answer with fragments of HTML for htmx, with JSON for the chat, and with
server-sent events for what lives. Browsers show who they are by cookies (visits.py), which no other
path of llmd takes, and every call that changes something needs the stamp of its page (entrance.py).

Nouns: `Visit` (a browser), `Pages` (templates), `Files` (scripts and styles), `Region` (a part of a
page that is told anew when it changes), `Words` (what pages say, in each language).
Routes stand in routes/, one file per part of the site. Knows no dialect.
"""
