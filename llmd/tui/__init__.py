"""The terminal interface: `llmd tui`, with `llmd top` as its first page. On Textual.

`LlmdApp` (app.py) is one `Page` (page.py) for each tab; `Link` (link.py) follows the daemon's feed,
comes back after its restarts, and hands each snapshot to the page that is shown. screens/ has the
pages with their styles beside them, widgets/ what they are made of, figures.py and the other pure
modules turn snapshots into words, rows and bars. Actions run as workers through `Page.perform`:
nothing blocks, errors become notifications. Knows the daemon only through `llmd.client`.
"""
