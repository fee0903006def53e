"""The programs that are measured, and how each of them is asked for a job."""

import hashlib
import json
import os
import shlex
import shutil
import subprocess

from .tools import Trouble, install, run, say


class Contender:
    """One program with one job. `output` is what it writes, in the folder that is made anew for each run."""

    def __init__(self, key, program, words, output=None, kind=None, image=None, before=None, calls=None, sync=False):
        self.key = key
        self.program = program
        self.words = [str(word) for word in words]
        self.output = output
        # The format of the output, for the check.
        self.kind = kind
        # Name of the image that is read.
        self.image = image
        # Makes an input that only another contender's run can make.
        self.before = before
        # Several calls, one after the other, instead of one.
        self.calls = calls
        # Whether the output is synced after the call, as transload does by itself.
        self.sync = sync

    @property
    def script(self):
        """A shell script, where one call is not the whole job."""
        lines = self.calls or [self.words]
        lines = [shlex.join(map(str, line)) for line in lines]
        if self.sync:
            lines.append(shlex.join(["sync", self.output]))
        return "set -e\n" + "\n".join(lines) + "\n"

    @property
    def simple(self):
        return self.calls is None and not self.sync

    @property
    def shown(self):
        """The command without anything of this machine."""
        words = self.calls[-1] if self.calls else self.words
        short = [word if word.startswith("-") else strip(word) for word in words]
        short[0] = self.program.name.split()[0]
        tail = " && sync" if self.sync else ""
        many = f"{sum(call[0] == words[0] for call in self.calls)} times: " if self.calls else ""
        return many + shlex.join(short) + tail


def strip(word):
    """Leaves out folders: transport:/folder/file:name → transport:file:name."""
    head, slash, tail = word.partition("/")
    if slash and (head == "" or head.endswith(":")):
        place, colon, name = tail.partition(":")
        return head + os.path.basename(place) + colon + name
    return word


class Transload:
    def __init__(self, path, commit):
        self.path = os.path.abspath(path)
        self.name = "transload"
        self.version = run(self.path, "--version").strip()
        self.commit = commit
        with open(self.path, "rb") as file:
            self.sha256 = hashlib.sha256(file.read()).hexdigest()

    def knows(self, *words):
        done = subprocess.run([self.path, *words], capture_output=True, stdin=subprocess.DEVNULL)
        return done.returncode == 0

    def convert(self, image, output, to, *options):
        return [self.path, "convert", "--quiet", "--to", to, *options, image, output]


class Skopeo:
    def __init__(self, path):
        self.path = shutil.which(path)
        if self.path is None:
            raise Trouble(f"{path}: no such program")
        self.path = os.path.abspath(self.path)
        self.number = run(self.path, "--version").split()[-1]
        self.name = f"skopeo {self.number}"
        self.version = run(self.path, "--version").strip()
        with open(self.path, "rb") as file:
            self.sha256 = hashlib.sha256(file.read()).hexdigest()

    @property
    def order(self):
        """Sorts old before new."""
        parts = self.number.split("-")[0].split(".")
        return [int(part) if part.isdigit() else 0 for part in parts]

    def copy(self, source, target, *options, tmp):
        return [self.path, "--insecure-policy", "--tmpdir", tmp, "copy", "--quiet", *options, source, target]


class Reference:
    name = "reference"
    version = "benches/reference.rs"

    def __init__(self, path):
        self.path = os.path.abspath(path)

    def copy(self, image, output, *options):
        return [self.path, image, output, *options]


def built(top, kind, name):
    """Builds a target with cargo, of a kind as in `--bin`, and returns where its program is."""
    command = ["cargo", "build", "--release", "--locked", "--message-format", "json-render-diagnostics"]
    command += [f"--{kind}", name]
    say(" ".join(command))
    try:
        done = subprocess.run(command, cwd=top, stdout=subprocess.PIPE, text=True)
    except FileNotFoundError:
        raise Trouble("cargo is not installed") from None
    if done.returncode != 0:
        raise Trouble("cargo failed")
    # cargo may build other targets on the way.
    messages = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    for message in messages:
        target = message.get("target", {})
        if message.get("executable") and target["name"] == name and kind in target["kind"]:
            return message["executable"]
    raise Trouble(f"cargo built no {name}")


def commit(top):
    """What was built: the commit, and whether the sources were changed on top of it."""
    done = subprocess.run(["git", "-C", top, "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    if done.returncode != 0:
        return "not from a repository"
    changes = run("git", "-C", top, "status", "--porcelain", "--", "src", "Cargo.toml", "Cargo.lock")
    return "commit " + done.stdout.strip() + (", changed" if changes else "")


def peers(paths):
    """The skopeos to measure against: Debian's, and those that are named. Oldest first."""
    install("skopeo")
    found = {}
    for path in ["skopeo", *paths]:
        peer = Skopeo(path)
        found.setdefault(peer.name, peer)
    return sorted(found.values(), key=lambda peer: peer.order)
