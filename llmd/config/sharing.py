"""Settings of a daemon that several people and programs share: limits and traces."""

from __future__ import annotations

from llmd.config.section import Count, Probability, Section


class LimitSettings(Section, frozen=True):
    """How much callers may ask for; 0: no limit. Keys and users may have limits of their own; of
    the key, the user and the address of a caller the strictest counts.
    """

    key_requests_per_minute: Count = 0
    """Requests of one API key in any 60 seconds."""
    key_tokens_per_minute: Count = 0
    """Tokens of one API key in any 60 seconds, of prompts and answers together."""
    key_tokens_per_day: Count = 0
    """Tokens of one API key in any 24 hours."""
    key_concurrent: Count = 0
    """Requests of one API key that are answered or wait at the same time."""
    user_requests_per_minute: Count = 0
    """Requests of one user, with all keys and logins together, in any 60 seconds."""
    user_tokens_per_minute: Count = 0
    """Tokens of one user in any 60 seconds."""
    user_tokens_per_day: Count = 0
    """Tokens of one user in any 24 hours."""
    user_concurrent: Count = 0
    """Requests of one user that are answered or wait at the same time."""
    address_requests_per_minute: Count = 0
    """Requests from one IPv4 address, or one IPv6 network of 64 bits, in any 60 seconds."""
    address_tokens_per_minute: Count = 0
    """Tokens of one address in any 60 seconds."""
    address_tokens_per_day: Count = 0
    """Tokens of one address in any 24 hours."""
    address_concurrent: Count = 0
    """Requests from one address that are answered or wait at the same time."""
    prompt_tokens: Count = 0
    """Longest prompt; 0: what the context of the model holds."""
    prompt_characters: Count = 0
    """Longest prompt or input, refused before it is tokenised."""


class TelemetrySettings(Section, frozen=True):
    """Traces, for those who collect them."""

    otlp_endpoint: str = ""
    """Base address of an OpenTelemetry collector (OTLP over HTTP), such as http://localhost:4318;
    empty: no traces. Needs the extra `otel`.
    """
    sample: Probability = 1.0
    """Share of requests that are traced, of those whose sender has not decided already."""
