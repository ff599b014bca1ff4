"""Middleware, one file each: access_log.py (a line per request, and its id), host_check.py (DNS
rebinding), cors.py (which web pages may call).

Order is that of the list in application.py, outermost first. A middleware never looks into a body.
"""
