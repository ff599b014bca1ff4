"""Settings of the gRPC listener."""

from __future__ import annotations

from llmd.config.section import Port, Positive, Section
from llmd.config.values import Size


class GrpcSettings(Section, frozen=True):
    """The gRPC listener, beside HTTP."""

    enabled: bool = False
    """Whether llmd listens for gRPC."""
    host: str = "127.0.0.1"
    """Address of the gRPC listener."""
    port: Port = 50051
    """Port of the gRPC listener; 0 picks a free one."""
    tls_cert: str = ""
    """PEM file with the certificate of this machine and those that lead to its authority; empty: no
    TLS.
    """
    tls_key: str = ""
    """PEM file with the key of that certificate, without a passphrase."""
    tls_client_ca: str = ""
    """PEM file with authorities: only clients with a certificate of one of them are served."""
    max_message: Size = Size(32 * 2**20)
    """Largest gRPC request."""
    max_calls: Positive = 1000
    """Calls under way at the same time, health watchers included; more are refused."""
