"""Runs other programs; installs those that are absent."""

import os
import shutil
import subprocess
import sys


class Trouble(Exception):
    """Something that the person who runs this can do something about."""


def say(text):
    print(text, file=sys.stderr, flush=True)


def run(*command, env=None, quiet=True):
    """Runs a program; what it says is shown when it fails."""
    words = [str(word) for word in command]
    environment = None if env is None else {**os.environ, **env}
    done = subprocess.run(words, env=environment, stdin=subprocess.DEVNULL, capture_output=quiet, text=True)
    if done.returncode != 0:
        said = (done.stderr or "") + (done.stdout or "") if quiet else ""
        raise Trouble(f"{' '.join(words)}: exit code {done.returncode}\n{said[-3000:]}")
    return done.stdout


def install(*packages):
    """Installs Debian packages whose command, of the same name, is absent."""
    absent = [package for package in packages if shutil.which(package) is None]
    if not absent:
        return
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise Trouble(f"install {', '.join(absent)}, or run this as root on Debian")
    say(f"installing {', '.join(absent)}")
    run("apt-get", "update", "-qq")
    run("apt-get", "install", "-qq", "--no-install-recommends", *absent, env={"DEBIAN_FRONTEND": "noninteractive"})
