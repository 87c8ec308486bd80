"""The interpreter is one that runs, not one that is named; nothing is done twice."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from small_stack import DEADLINE

SCRIPTS = Path(__file__).parents[1]
_TOOLS = "sh ls grep sort dirname mkdir rm tail cat cksum tr readlink ln sleep date"
_FAILS = "#!/bin/sh\necho 'pyenv: command not found' >&2\nexit 127\n"
_TOO_OLD = "#!/bin/sh\nexit 1\n"
_WORKS = f'#!/bin/sh\nexec "{sys.executable}" "$@"\n'


@pytest.fixture
def bin_dir(tmp_path: Path) -> Path:
    """A PATH with the few tools that the scripts need and no Python."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in _TOOLS.split():
        found = shutil.which(tool)
        assert found
        (folder / tool).symlink_to(found)
    return folder


def _script(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    path.chmod(0o755)
    return path


def _find(bin_dir: Path, **env: str) -> tuple[int, str]:
    environ = {"PATH": str(bin_dir), "HOME": str(bin_dir.parent)} | env
    found = subprocess.run([SCRIPTS / "find-python"], env=environ, capture_output=True, text=True, check=False)
    return found.returncode, found.stdout.strip()


def test_the_newest_name_on_path_wins(bin_dir: Path) -> None:
    """3.14 before 3.13 before 3.12 before python3."""
    _script(bin_dir / "python3", _WORKS)
    expected = _script(bin_dir / "python3.13", _WORKS)
    _script(bin_dir / "python3.12", _WORKS)
    assert _find(bin_dir) == (0, str(expected))


def test_a_shim_that_fails_is_passed_over(bin_dir: Path) -> None:
    """pyenv puts names on PATH for versions that are not selected."""
    _script(bin_dir / "python3.14", _FAILS)
    _script(bin_dir / "python3.13", _TOO_OLD)
    expected = _script(bin_dir / "python3", _WORKS)
    assert _find(bin_dir) == (0, str(expected))


def test_what_stands_behind_a_failing_shim_is_found(bin_dir: Path, tmp_path: Path) -> None:
    """The same name may be further down PATH."""
    _script(tmp_path / "shims/python3.13", _FAILS)
    expected = _script(bin_dir / "python3.13", _WORKS)
    assert _find(bin_dir, PATH=f"{tmp_path / 'shims'}:{bin_dir}") == (0, str(expected))


def test_pyenv_versions_are_tried_newest_first(bin_dir: Path, tmp_path: Path) -> None:
    """By number, and only what runs."""
    _script(bin_dir / "python3", _TOO_OLD)
    versions = tmp_path / "pyenv/versions"
    _script(versions / "3.9.18/bin/python", _TOO_OLD)
    _script(versions / "3.14.0/bin/python", _FAILS)
    expected = _script(versions / "3.13.10/bin/python", _WORKS)
    _script(versions / "3.13.9/bin/python", _WORKS)
    _script(versions / "3.12.1/bin/python", _WORKS)
    assert _find(bin_dir, PYENV_ROOT=str(tmp_path / "pyenv")) == (0, str(expected))


def test_pyenv_is_found_in_the_home_directory(bin_dir: Path) -> None:
    """PYENV_ROOT is set in interactive shells only."""
    expected = _script(bin_dir.parent / ".pyenv/versions/3.12.1/bin/python", _WORKS)
    assert _find(bin_dir) == (0, str(expected))


def test_no_interpreter_is_exit_code_1(bin_dir: Path) -> None:
    """scripts/bootstrap goes on to uv's own download then."""
    assert _find(bin_dir) == (1, "")


def test_neither_uv_nor_python_is_a_sentence(bin_dir: Path, tmp_path: Path) -> None:
    """It says what to install."""
    checkout = _checkout(tmp_path)
    result = _bootstrap(checkout, bin_dir, "run")
    assert result.returncode == 1
    assert "install uv, or Python 3.12" in result.stderr


def test_a_python_without_venv_and_pip_is_a_sentence(bin_dir: Path, tmp_path: Path) -> None:
    """Debian's is like that until python3-venv is installed."""
    bare = f'#!/bin/sh\n[ "$1" != -m ] || {{ echo "No module named $2" >&2; exit 1; }}\nexec "{sys.executable}" "$@"\n'
    _script(bin_dir / "python3", bare)
    result = _bootstrap(_checkout(tmp_path), bin_dir, "run")
    assert result.returncode == 1
    assert "apt install python3-venv" in result.stderr


def test_usage(bin_dir: Path, tmp_path: Path) -> None:
    """Anything but run or dev is a mistake."""
    assert _bootstrap(_checkout(tmp_path), bin_dir, "prod").returncode == 2


def test_it_installs_once(bin_dir: Path, tmp_path: Path) -> None:
    """The second time it does nothing; another lock, a broken or a moved .venv are noticed; dev serves run."""
    checkout = _checkout(tmp_path)
    _script(bin_dir / "python3", _WORKS)
    calls = tmp_path / "calls"
    _script(bin_dir / "uv", _fake_uv(calls))

    def installs(want: str) -> int:
        calls.write_text("")
        result = _bootstrap(checkout, bin_dir, want)
        assert result.returncode == 0, result.stderr
        return calls.read_text().count("require-hashes")

    assert installs("run") == 1
    assert "-e libs/used\n" in calls.read_text()
    assert installs("run") == 0
    assert installs("dev") == 1
    assert "-e libs/unused -e libs/used\n" in calls.read_text()
    assert installs("run") == 0
    (checkout / "locks/dev.txt").write_text("b==2\n")
    assert installs("run") == 1
    assert installs("dev") == 0
    (checkout / ".venv/bin/python").unlink()
    assert installs("dev") == 1
    checkout = checkout.rename(tmp_path / "moved")
    assert installs("dev") == 1


def test_two_at_once_install_once(bin_dir: Path, tmp_path: Path) -> None:
    """The second waits for the first; a lock of a process that is gone is no lock."""
    checkout = _checkout(tmp_path)
    _script(bin_dir / "python3", _WORKS)
    calls = tmp_path / "calls"
    _script(bin_dir / "uv", _fake_uv(calls))
    (checkout / ".cache").mkdir()
    (checkout / ".cache/bootstrap.lock").symlink_to("4194303")
    command = [str(checkout / "scripts/bootstrap"), "run"]
    both = [subprocess.Popen(command, env=_environment(bin_dir), stderr=subprocess.DEVNULL) for _ in range(2)]
    assert [process.wait(DEADLINE) for process in both] == [0, 0]
    assert calls.read_text().count("require-hashes") == 1


def _fake_uv(calls: Path) -> str:
    """Makes a venv of one link, installs nothing and notes what it was asked."""
    return (
        f'#!/bin/sh\n[ "$1" != --version ] || exit 0\necho "$@" >>"{calls}"\n'
        f'[ "$1" != venv ] || {{ mkdir -p .venv/bin; ln -s "{sys.executable}" .venv/bin/python; }}\n'
    )


def _checkout(tmp_path: Path) -> Path:
    root = tmp_path / "a checkout"
    for script in ("bootstrap", "find-python", "find-uv", "uv", "packages.py"):
        _script(root / "scripts" / script, (SCRIPTS / script).read_text())
    members = '[tool.uv.workspace]\nmembers = ["libs/*"]\n'
    (root / "pyproject.toml").write_text(f'[project]\nname = "millrace"\ndependencies = ["used"]\n{members}')
    for package in ("used", "unused"):
        (root / "libs" / package).mkdir(parents=True)
        text = f'[project]\nname = "{package}"\n[tool.uv.build-backend]\nmodule-name = "{package}"\n'
        (root / "libs" / package / "pyproject.toml").write_text(text)
    (root / "locks").mkdir()
    for lock in ("run", "dev"):
        (root / f"locks/{lock}.txt").write_text("a==1\n")
    return root


def _environment(bin_dir: Path) -> dict[str, str]:
    return {"PATH": str(bin_dir), "HOME": str(bin_dir.parent), "LC_ALL": os.environ.get("LC_ALL", "C")}


def _bootstrap(checkout: Path, bin_dir: Path, want: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [checkout / "scripts/bootstrap", want], env=_environment(bin_dir), capture_output=True, text=True, check=False
    )
