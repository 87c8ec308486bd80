"""PostgreSQL refuses to run as root. Where the runner is root (a container, a new server) it runs as somebody else."""

import os
import pwd
from collections.abc import Callable
from pathlib import Path

from devstack.output import StackError
from devstack.spawning import SystemUser

# No user is made for this: that would outlive the checkout.
_CANDIDATES = ("postgres", "nobody")


def choose_user(data: Path) -> SystemUser | None:
    """None means the user who runs us; as root, whoever owns the data already, else a user that every system has."""
    if os.geteuid() != 0:
        return None
    if data.exists() and (owner := data.stat()).st_uid != 0:
        return SystemUser(_name_of(owner.st_uid), owner.st_uid, owner.st_gid)
    for name in _CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return SystemUser(name, entry.pw_uid, entry.pw_gid)
    raise StackError("PostgreSQL refuses to run as root, and there is no user `postgres` or `nobody` to run it as")


def open_path(path: Path, user: SystemUser | None, say: Callable[[str], None]) -> None:
    """Lets the user pass through the directories above `path` (root's home is 700); reading them stays barred."""
    if user is None:
        return
    closed = [folder for folder in path.resolve().parents if not _passable(folder, user)]
    for folder in reversed(closed):
        try:
            folder.chmod(folder.stat().st_mode | 0o001)
        except OSError as error:
            raise StackError(
                f"PostgreSQL runs as {user.name} and cannot pass through {folder} ({error.strerror}); "
                "put the checkout elsewhere, or run make as another user than root"
            ) from error
        say(f"PostgreSQL runs as {user.name}, not as root: made {folder} passable for it (chmod o+x)")


def open_tree(root: Path, user: SystemUser | None) -> None:
    """Lets the user read and run what a strict umask has installed for root alone."""
    if user is None or root.stat().st_mode & 0o005 == 0o005:
        return
    for path in (root, *root.rglob("*")):
        mode = path.stat().st_mode
        path.chmod(mode | (0o055 if path.is_dir() or mode & 0o100 else 0o044))


def _passable(folder: Path, user: SystemUser) -> bool:
    status = folder.stat()
    if status.st_uid == user.uid:
        return bool(status.st_mode & 0o100)
    if status.st_gid == user.gid:
        return bool(status.st_mode & 0o010)
    return bool(status.st_mode & 0o001)


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        raise StackError(
            f"PostgreSQL's data belongs to user id {uid}, which this system does not know; "
            "chown it to `postgres` or `nobody`"
        ) from None
