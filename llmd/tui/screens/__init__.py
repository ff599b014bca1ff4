"""One page for each tab, with its style sheet beside it.

`DashboardPage` and `RequestsPage` show the feed; `LogsPage` follows the log file; `ModelsPage`,
`ChatPage` and `KeysPage` ask the daemon for what they show. Each knows nothing of the others: what
they share is in `llmd.tui.page` and in widgets/.
"""
