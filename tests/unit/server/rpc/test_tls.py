from __future__ import annotations

import subprocess
from pathlib import Path

import grpc
import pytest

from llmd.config.grpc import GrpcSettings
from llmd.errors import ConfigInvalid
from llmd.server.rpc.tls import credentials
from tests.fakes.certificates import Authority, Certificate


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def certificate(authority: Authority) -> Certificate:
    return authority.sign("server")


def settings(certificate: Certificate, **fields: str) -> GrpcSettings:
    paths = {"tls_cert": str(certificate.chain), "tls_key": str(certificate.key)}
    return GrpcSettings(**{**paths, **fields})


def test_without_certificates_there_is_no_tls() -> None:
    assert credentials(GrpcSettings()) is None


def test_a_certificate_with_its_key_is_taken(
    authority: Authority, certificate: Certificate
) -> None:
    assert isinstance(credentials(settings(certificate)), grpc.ServerCredentials)
    assert credentials(settings(certificate, tls_client_ca=str(authority.ca)))


def test_a_home_directory_may_be_written_short(
    certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(certificate.chain.parent))
    short = {"tls_cert": f"~/{certificate.chain.name}", "tls_key": f"~/{certificate.key.name}"}
    assert credentials(GrpcSettings(**short))


def test_a_key_with_a_passphrase_is_refused_without_asking(
    certificate: Certificate, tmp_path: Path
) -> None:
    locked = tmp_path / "locked.key"
    command = ["openssl", "ec", "-in", str(certificate.key), "-aes256", "-passout", "pass:secret"]
    subprocess.run([*command, "-out", str(locked)], check=True, capture_output=True, timeout=60)
    with pytest.raises(ConfigInvalid, match="does not go with"):
        credentials(settings(certificate, tls_key=str(locked)))


def test_half_of_what_tls_needs_is_refused(certificate: Certificate) -> None:
    for name in ("tls_cert", "tls_key"):
        with pytest.raises(ConfigInvalid) as raised:
            credentials(settings(certificate, **{name: ""}))
        assert raised.value.param == f"grpc.{name}"
    with pytest.raises(ConfigInvalid):
        credentials(GrpcSettings(tls_client_ca="/some/ca.pem"))


def test_files_that_are_missing_or_no_certificates_are_named(
    certificate: Certificate, tmp_path: Path
) -> None:
    damaged = tmp_path / "damaged.pem"
    damaged.write_text("-----BEGIN CERTIFICATE-----\nnothing\n", encoding="utf-8")
    for name, value in (
        ("tls_cert", "/nowhere/cert.pem"),
        ("tls_key", "/nowhere/key.pem"),
        ("tls_client_ca", "/nowhere/ca.pem"),
        ("tls_cert", str(damaged)),
        ("tls_client_ca", str(damaged)),
        ("tls_cert", str(tmp_path)),
    ):
        with pytest.raises(ConfigInvalid) as raised:
            credentials(settings(certificate, **{name: value}))
        assert raised.value.param == f"grpc.{name}"


def test_a_key_of_another_certificate_is_refused(
    authority: Authority, certificate: Certificate
) -> None:
    other = authority.sign("other")
    with pytest.raises(ConfigInvalid, match="does not go with"):
        credentials(settings(certificate, tls_key=str(other.key)))
