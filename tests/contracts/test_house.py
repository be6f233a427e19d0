"""The rules of the house: what its files say, cite, lock and leave out. It runs no part of the engine."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# The words are split so that this file does not hold what it forbids.
FORBIDDEN = (
    "/wor" + "k/",
    "pypi" + ".org",
    "pythonhosted" + ".org",
    "npmjs" + ".org",
    "deb.debian" + ".org",
    "sub" + "agent",
    "sub-" + "agent",
)
UNFINISHED = ("TO" + "DO", "FIX" + "ME", "XX" + "X")
STANDARDS = {"SHA-256", "SHA-384", "SHA-512", "AES-128", "AES-256"}
LINES_MAX = 400

CITATION = re.compile(r"(?<![\w-])(?:[A-Z]{2,4}-\d{3}|[CGO]-\d{2})(?![\w-])")
ANCHOR = re.compile(r'<a id="([a-z]+-\d+)"></a>')
PINNED = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+)(?: ; (.+?))? \\$", re.MULTILINE)


@cache
def _files() -> tuple[str, ...]:
    """Paths of all files that are tracked or about to be, relative to the root."""
    git = shutil.which("git")
    assert git is not None
    listed = subprocess.run(
        [git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return tuple(sorted({name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()}))


@cache
def _text(name: str) -> str:
    """The text of one file, or an empty one where it is binary."""
    try:
        return (ROOT / name).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def _modules(*folders: str) -> list[str]:
    return [name for name in _files() if name.endswith(".py") and name.split("/")[0] in folders]


def _pyproject() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads(_text("pyproject.toml"))


def _project_name(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found is not None
    return found.group().lower().replace("_", "-").replace(".", "-")


def _targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", _text("Makefile"), re.MULTILINE))


def test_no_file_names_a_workplace_or_a_package_host() -> None:
    found = [(name, word) for name in _files() for word in FORBIDDEN if word in _text(name).lower()]
    assert found == []


def test_no_module_is_left_unfinished() -> None:
    found = [
        (name, word)
        for name in _modules("cutline", "tests")
        for word in UNFINISHED
        if re.search(rf"\b{word}\b", _text(name))
    ]
    assert found == []


def test_every_exception_from_a_rule_names_the_rule() -> None:
    bare = re.compile(r"#\s*(?:noqa(?!:)|type:\s*ignore(?!\[))")
    assert [name for name in _modules("cutline", "tests") if bare.search(_text(name))] == []


def test_every_module_has_a_docstring() -> None:
    bare = [name for name in _modules("cutline", "tests") if not ast.get_docstring(ast.parse(_text(name)))]
    assert bare == []


def test_no_module_of_the_engine_room_is_longer_than_allowed() -> None:
    long = {name for name in _modules("cutline") if len(_text(name).splitlines()) > LINES_MAX}
    assert long == set()


def test_no_name_at_the_root_shadows_the_standard_library() -> None:
    """O-05: a root-level `http` breaks aiohttp and stripe, and so would others of its kind."""
    roots = {name.split("/")[0].removesuffix(".py") for name in _files() if name.endswith(".py")}
    assert roots & set(sys.stdlib_module_names) == set()


def test_every_cited_requirement_exists() -> None:
    known = set(ANCHOR.findall(_text("docs/requirements.md")))
    cited = {
        (name, found)
        for name in _files()
        if name.endswith((".py", ".md", ".toml", ".sql"))
        for found in CITATION.findall(_text(name))
        if found not in STANDARDS
    }
    assert {(name, found) for name, found in cited if found.lower() not in known} == set()
    assert ("docs/requirements.md", "LIFE-001") in cited


def test_the_requirement_list_counts_what_it_holds() -> None:
    text = _text("docs/requirements.md")
    anchors = ANCHOR.findall(text)
    assert [anchor for anchor, times in Counter(anchors).items() if times > 1] == []
    counted = Counter(anchor.split("-")[0].upper() for anchor in anchors)
    stated = {
        prefix: int(count) for prefix, count in re.findall(r"^\| ([A-Z]+) \| .+ \| (\d+) \|$", text, re.MULTILINE)
    }
    assert len(stated) == 24
    assert {prefix: counted[prefix] for prefix in stated} == stated
    assert sum(stated.values()) == 898


def test_decisions_are_numbered_once_and_listed() -> None:
    """XCT-029: each substitution has an entry."""
    folder = ROOT / "docs/decisions"
    records = sorted(path.name for path in folder.glob("[0-9]*.md"))
    assert len({name[:4] for name in records}) == len(records)
    index = _text("docs/decisions/README.md")
    for name in records:
        text = _text(f"docs/decisions/{name}")
        assert name in index
        assert text.startswith(f"# {name[:4]}. ")
        assert re.search(r"^Date: \d{4}-\d\d-\d\d\.", text, re.MULTILINE)
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Given up"]


def test_links_between_documents_lead_somewhere() -> None:
    dead = [
        (name, link)
        for name in _files()
        if name.endswith(".md")
        for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", _text(name))
        if "://" not in link and not (ROOT / name).parent.joinpath(link).exists()
    ]
    assert dead == []


def test_readme_names_both_commands_and_stays_short() -> None:
    lines = _text("README.md").splitlines()
    assert {"make demo", "make test"} <= set(lines)
    assert len(lines) < 90


def test_documented_make_targets_exist() -> None:
    named = {
        target
        for name in ("README.md", "CONTRIBUTING.md", ".ci/run")
        for target in re.findall(r"(?:`|^|exec )make ([a-z]+)", _text(name), re.MULTILINE)
    }
    assert {"demo", "test", "crash", "bench", "simulate", "lock"} <= named <= _targets()
    assert {"env", "demo", "test", "lint", "types", "bench", "crash", "simulate", "clean"} <= _targets()


def test_ci_runs_the_same_command_as_people() -> None:
    assert os.access(ROOT / ".ci/run", os.X_OK)
    assert _text(".ci/run").rstrip().endswith("make test")


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock", "tests/mutation/python.lock"])
def test_lock_file_pins_everything_by_hash_and_names_no_host(name: str) -> None:
    text = _text(name)
    pins = PINNED.findall(text)
    stanzas = re.findall(r"^\S.*==.*(?:\n    --hash=sha256:[0-9a-f]{64}(?: \\)?)+", text, re.MULTILINE)
    assert len(pins) == len(stanzas) == len(re.findall(r"^[^#\s]", text, re.MULTILINE)) > 20
    assert re.search(r"://|--(?:extra-)?index|--find-links|--trusted-host| @ ", text) is None


def test_lock_files_hold_every_stated_dependency() -> None:
    project = _pyproject()
    engine = {_project_name(line) for line in project["project"]["dependencies"]}
    tools = {_project_name(line) for line in project["dependency-groups"]["dev"]}
    assert engine <= {pin[0] for pin in PINNED.findall(_text("requirements.lock"))}
    assert engine | tools <= {pin[0] for pin in PINNED.findall(_text("requirements-dev.lock"))}


def test_what_is_tested_is_what_is_served() -> None:
    """The engine's packages have the same versions in both lock files."""
    served = set(PINNED.findall(_text("requirements.lock")))
    tested = set(PINNED.findall(_text("requirements-dev.lock")))
    assert {(name, version) for name, version, _ in served} <= {(name, version) for name, version, _ in tested}


@pytest.mark.parametrize(
    ("lacks", "says"),
    [("version_info", "needs Python 3.11 or newer"), ("ensurepip", "apt-get install python3-venv")],
)
def test_make_says_what_the_machine_lacks(tmp_path: Path, lacks: str, says: str) -> None:
    make = shutil.which("make")
    assert make is not None
    for name in ("Makefile", "requirements-dev.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    poor = tmp_path / "poor-python"
    poor.write_text(f'#!/bin/sh\ncase "$*" in *{lacks}*) exit 1;; esac\nexec "{sys.executable}" "$@"\n')
    poor.chmod(0o755)
    # Under `make test` the outer make's flags would reach this one.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    refused = subprocess.run(
        [make, "env", f"PYTHON={poor}"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert refused.returncode != 0
    assert says in refused.stderr
    assert not (tmp_path / ".venv").exists()
