"""What pages are made of: bars, sparklines, the top line, the banner.

`TopLine` has the tabs and the daemon's state, `Banner` says that the daemon is away, `Sparkline`
draws a series, `Bar` a share. Each takes values by a method or a reactive and draws them; none of
them asks the daemon anything.
"""
