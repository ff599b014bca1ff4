"""What lies in packaging/, judged by the programs it is for as far as they are installed."""

from __future__ import annotations

import gzip
import os
import re
import shlex
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

PACKAGING = Path(__file__).parents[2] / "packaging"
SCRIPTS = ["deb/build", "deb/postinst", "deb/prerm", "deb/postrm", "homebrew/release"]
DOCKERFILE = (PACKAGING / "docker" / "Dockerfile").read_text(encoding="utf-8")


def needs(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")


def run(*command: str, **environment: str) -> str:
    ended = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **environment},
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_are_sound(script: str) -> None:
    needs("shellcheck")
    run("shellcheck", str(PACKAGING / script))
    assert os.access(PACKAGING / script, os.X_OK)


def instructions() -> list[tuple[str, str]]:
    """Instructions of the Dockerfile, continued lines joined, comments left out."""
    lines = [line for line in DOCKERFILE.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    pairs = (line.partition(" ") for line in joined.splitlines() if line.strip())
    return [(name, rest) for name, _, rest in pairs]


def of(name: str) -> list[str]:
    return [rest for found, rest in instructions() if found == name]


def last_stage() -> list[tuple[str, str]]:
    found = instructions()
    begin = max(number for number, (name, _) in enumerate(found) if name == "FROM")
    return found[begin:]


def test_images_are_of_fixed_versions() -> None:
    stages = {rest.split(" AS ")[1] for rest in of("FROM") if " AS " in rest}
    for rest in of("FROM"):
        image = rest.split(" AS ", maxsplit=1)[0]
        if re.sub(r"\$\{BACKEND\}", "cpu", image) not in stages:
            assert re.search(r":(?!latest)[\w.${}-]+$", image), image


def test_packages_leave_no_lists_behind() -> None:
    for rest in of("RUN"):
        if "apt-get install" in rest:
            assert "apt-get update &&" in rest
            assert "install -y --no-install-recommends" in rest
            assert "rm -rf /var/lib/apt/lists/*" in rest


def test_the_container_runs_as_nobody_special_and_tells_its_health() -> None:
    stage = dict(last_stage())
    assert stage["USER"] == "10001:10001"
    assert stage["HEALTHCHECK"].endswith('CMD ["llmd", "status"]')
    assert stage["ENTRYPOINT"] == '["tini", "--", "llmd"]'
    assert stage["CMD"] == '["serve"]'
    assert stage["WORKDIR"].startswith("/")
    assert of("ADD") == []


def test_a_container_that_everybody_reaches_asks_for_keys() -> None:
    words = dict(word.split("=", 1) for word in shlex.split(dict(last_stage())["ENV"]))
    assert (words["LLMD_HOST"], words["LLMD_SECURITY_MODE"]) == ("0.0.0.0", "keys")
    compose = (PACKAGING / "docker" / "compose.yaml").read_text(encoding="utf-8")
    assert '- "127.0.0.1:8000:8000"' in compose


def test_arguments_of_the_build_are_used_and_told_of() -> None:
    for name in {rest.partition("=")[0] for rest in of("ARG")}:
        assert f"${{{name}}}" in DOCKERFILE
        assert re.search(rf"^# {name} +\S", DOCKERFILE, re.MULTILINE), name


def test_what_is_copied_into_the_image_is_not_ignored() -> None:
    ignored = (PACKAGING / "docker" / "Dockerfile.dockerignore").read_text(encoding="utf-8")
    kept = {line[1:] for line in ignored.splitlines() if line.startswith("!")}
    wanted = {word for rest in of("COPY") if "--from" not in rest for word in rest.split()[:-1]}
    assert wanted == kept


def test_a_release_fills_in_the_formula(tmp_path: Path) -> None:
    sdist = tmp_path / "llmd-0.tar.gz"
    sdist.write_bytes(b"source")
    url = "https://example.org/llmd-0.tar.gz?a=1&b=2"
    text = run(str(PACKAGING / "homebrew" / "release"), str(sdist), url)
    assert f'url "{url}"' in text
    digest = "41cf6794ba4200b839c53531555f0f3998df4cbb01a4d5cb0b94e3ca5e23947d"
    assert f'sha256 "{digest}"' in text
    formula = tmp_path / "llmd.rb"
    formula.write_text(text, encoding="utf-8")
    needs("ruby")
    assert "Syntax OK" in run("ruby", "-wc", str(formula))


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package of a wheel that holds next to nothing: what a real one depends on takes minutes."""
    needs("dpkg-deb")
    needs("/usr/bin/python3")
    if run("sh", "-c", "python3 -m pip --version || true") == "":
        pytest.skip("pip is not installed")
    folder = tmp_path_factory.mktemp("deb")
    wheel = folder / "llmd-1.2-py3-none-any.whl"
    info = "llmd-1.2.dist-info"
    with zipfile.ZipFile(wheel, "w") as opened:
        opened.writestr("llmd/__init__.py", "")
        opened.writestr("llmd/__main__.py", "def main():\n    print('it runs')\n    return 3\n")
        opened.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: llmd\nVersion: 1.2\n")
        opened.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        opened.writestr(f"{info}/RECORD", "")
    made = run(
        *(str(PACKAGING / "deb" / "build"), str(wheel), str(folder)),
        PIP_NO_INDEX="1",
        PIP_NO_DEPS="1",
        COMPRESSION="gzip",
        SOURCE_DATE_EPOCH="1700000000",
        DEBEMAIL="packager@example.org",
    )
    return Path(made.splitlines()[-1])


def test_the_package_has_what_belongs_to_it(package: Path) -> None:
    held = {
        line.split()[5].removeprefix(".")
        for line in run("dpkg-deb", "-c", str(package)).splitlines()
    }
    assert held >= {
        "/usr/bin/llmd",
        "/usr/lib/llmd/bin/llmd",
        "/usr/lib/systemd/system/llmd.service",
        "/usr/lib/systemd/user/llmd.socket",
        "/usr/lib/sysusers.d/llmd.conf",
        "/usr/share/man/man1/llmd-run.1.gz",
        "/usr/share/bash-completion/completions/llmd",
        "/usr/share/doc/llmd/copyright",
    }
    assert run("dpkg-deb", "-f", str(package), "Version").strip() == "1.2-1"
    assert "python3 (>= 3." in run("dpkg-deb", "-f", str(package), "Depends")


def test_the_program_of_the_package_runs_where_it_is_installed(
    package: Path, tmp_path: Path
) -> None:
    run("dpkg-deb", "-x", str(package), str(tmp_path))
    program = tmp_path / "usr" / "lib" / "llmd" / "bin"
    text = (program / "llmd").read_text(encoding="utf-8")
    assert text.startswith("#!/usr/lib/llmd/bin/python\n")
    ended = subprocess.run(
        [program / "python", "-I", program / "llmd"], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (3, "it runs\n")
    for file in (tmp_path / "usr" / "lib" / "llmd").rglob("*"):
        if file.is_file() and not file.is_symlink():
            assert str(package.parent).encode() not in file.read_bytes(), file
    changes = tmp_path / "usr" / "share" / "doc" / "llmd" / "changelog.Debian.gz"
    assert b"packager@example.org>  Tue, 14 Nov 2023" in gzip.decompress(changes.read_bytes())


def test_lintian_finds_no_error(package: Path) -> None:
    needs("lintian")
    run("lintian", "--allow-root", "--fail-on", "error", str(package))
