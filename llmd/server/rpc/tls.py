"""Certificates of the gRPC listener, looked at before gRPC sees them: its own errors name no
cause.
"""

from __future__ import annotations

import ssl
from pathlib import Path

import grpc

from llmd.config.grpc import GrpcSettings
from llmd.errors import ConfigInvalid


def credentials(settings: GrpcSettings) -> grpc.ServerCredentials | None:
    """Return what a listener shows and asks for; None: no TLS is wanted. Raises ConfigInvalid for
    files that are missing, damaged or do not belong together.
    """
    if not (settings.tls_cert or settings.tls_key or settings.tls_client_ca):
        return None
    if not (settings.tls_cert and settings.tls_key):
        missing = "tls_key" if settings.tls_cert else "tls_cert"
        raise ConfigInvalid(
            f"grpc.{missing} is not set, and TLS needs a certificate and its key.",
            hint="Set both, or none.",
            param=f"grpc.{missing}",
        )
    shown, secret = Path(settings.tls_cert).expanduser(), Path(settings.tls_key).expanduser()
    certificate, key = _read(shown, "tls_cert"), _read(secret, "tls_key")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # without the function OpenSSL would ask the terminal for a passphrase
        context.load_cert_chain(shown, secret, password=lambda: "")
    except (ssl.SSLError, OSError) as error:
        raise _unusable("tls_cert", f"does not go with grpc.tls_key: {error}") from error
    authorities = _authorities(settings.tls_client_ca, context)
    return grpc.ssl_server_credentials(
        [(key, certificate)], authorities, require_client_auth=authorities is not None
    )


def _authorities(path: str, context: ssl.SSLContext) -> bytes | None:
    if not path:
        return None
    file = Path(path).expanduser()
    found = _read(file, "tls_client_ca")
    try:
        context.load_verify_locations(file)
    except (ssl.SSLError, OSError) as error:
        raise _unusable("tls_client_ca", f"holds no certificates: {error}") from error
    return found


def _read(path: Path, setting: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unusable(setting, f"cannot be read: {error.strerror or error}") from error


def _unusable(setting: str, why: str) -> ConfigInvalid:
    return ConfigInvalid(
        f"The file of grpc.{setting} {why}.",
        hint="It is a PEM file, readable for the user that llmd runs as.",
        param=f"grpc.{setting}",
    )
