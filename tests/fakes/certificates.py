"""Certificates made on the spot with the `openssl` command: an authority and what it signs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest


class Certificate(NamedTuple):
    """PEM files."""

    chain: Path
    key: Path


class Authority:
    """Signs for localhost and 127.0.0.1; `ca.pem` is what its clients trust."""

    def __init__(self, folder: Path, name: str = "llmd test authority") -> None:
        if not shutil.which("openssl"):
            pytest.skip("there is no openssl command to make certificates with")
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.ca = folder / "ca.pem"
        self._key = folder / "ca.key"
        _openssl(
            *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            *("-nodes", "-keyout", str(self._key), "-out", str(self.ca), "-days", "2"),
            *("-subj", f"/CN={name}"),
        )

    def sign(self, name: str) -> Certificate:
        made = Certificate(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        request, names = self._folder / f"{name}.csr", self._folder / f"{name}.ext"
        _openssl(
            *("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-keyout", str(made.key), "-out", str(request), "-subj", f"/CN={name}"),
        )
        names.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n", encoding="utf-8")
        _openssl(
            *("x509", "-req", "-in", str(request), "-CA", str(self.ca), "-CAkey", str(self._key)),
            *("-CAcreateserial", "-out", str(made.chain), "-days", "2"),
            *("-extfile", str(names)),
        )
        return made


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=60)
