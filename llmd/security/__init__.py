"""Secrets and limits, pure: values in, values out, clocks passed in.

passwords, API keys, tokens, scopes of roles, throttling and limits, one file each.
Must not know storage, HTTP or services.
"""
