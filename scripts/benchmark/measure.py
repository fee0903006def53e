"""Runs contenders: time by hyperfine, memory and bytes by GNU time, temporary files by looking."""

import json
import os
import re
import shlex
import subprocess
import threading
import time

from .tools import Trouble, install, run

POLL_SECONDS = 0.005


class Bench:
    """Where contenders run. `prefix` is put before what is timed, `gently` before a run that is only watched."""

    def __init__(self, stage, prefix, gently):
        install("hyperfine", "time", "zstd")
        self.stage, self.prefix, self.gently = stage, prefix, gently
        os.makedirs(stage.keep, exist_ok=True)
        # hyperfine runs this before each run: nothing of the run before is left, on disk or still to be written there.
        self.ready = os.path.join(stage.scratch, "ready.sh")
        with open(self.ready, "w") as file:
            out, tmp = shlex.quote(stage.out), shlex.quote(stage.tmp)
            file.write(f"rm -rf {out} && mkdir -p {tmp} && sync\n")
        self.env = {**os.environ, "TMPDIR": stage.tmp}
        self.made = set()

    def argv(self, contender, number=0):
        """The words to run; a script where one call is not the job."""
        if contender.simple:
            return contender.words
        script = os.path.join(self.stage.scratch, f"job{number}.sh")
        with open(script, "w") as file:
            file.write(contender.script)
        return ["sh", script]

    def make_inputs(self, contenders):
        for contender in contenders:
            if contender.before and contender.before[0] not in self.made:
                path, words = contender.before
                if os.path.exists(path):
                    os.remove(path)
                run(*words)
                self.made.add(path)

    def warm(self, contenders):
        """Reads the inputs once, so that all contenders find them in the page cache."""
        for path in {word for contender in contenders for word in inputs(contender, self.stage)}:
            with open(path, "rb", buffering=0) as file:
                while file.read(1 << 20):
                    pass

    def probe(self, contender):
        """One run that is not timed. Returns peak memory, bytes written and temporary files."""
        run("sh", self.ready)
        log = os.path.join(self.stage.scratch, "time.log")
        command = [*self.gently, "/usr/bin/time", "-v", "-o", log, *self.argv(contender)]
        with open(os.path.join(self.stage.scratch, "said.log"), "w+") as said:
            child = subprocess.Popen(
                command, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said
            )
            with child, Watcher(child.pid, self.stage.out) as watcher:
                code = child.wait()
            if code != 0:
                said.seek(0)
                raise Trouble(f"{contender.key}: {contender.shown}: exit code {code}\n{said.read()[-3000:]}")
        with open(log) as file:
            text = file.read()
        written = int(re.search(r"File system outputs: (\d+)", text)[1]) * 512
        clock = re.search(r"Elapsed .*: ([\d:.]+)\n", text)[1].split(":")
        seconds = sum(float(part) * 60**place for place, part in enumerate(reversed(clock)))
        size = usage(contender.output) if contender.output else 0
        return {
            "peak_bytes": int(re.search(r"Maximum resident set size \(kbytes\): (\d+)", text)[1]) * 1024,
            # Zero on file systems that do not count, as in memory.
            "written_bytes": written or None,
            "temporary_bytes": max(watcher.peak - size, 0),
            "output_bytes": length(contender.output) if contender.output else 0,
            # While other things went on: no measurement, but enough to plan with.
            "watched_seconds": seconds,
        }

    def time(self, contenders, runs, seconds):
        """Times a group: as many rounds as runs, in each all contenders once, in an order that goes round.

        `seconds` is what a round takes about. No call of hyperfine, and so of the prefix, takes much more than a
        minute, unless one round does."""
        times = {contender.key: {"wall": [], "user": [], "system": []} for contender in contenders}
        at_once = max(1, int(60 / max(seconds, 0.1)))
        rounds = [contenders[turn:] + contenders[:turn] for turn in range(len(contenders))]
        left = [rounds[number % len(rounds)] for number in range(runs)]
        while left:
            self.call([contender for turn in left[:at_once] for contender in turn], ["--runs", "1"], times)
            left = left[at_once:]
        return times

    def time_short(self, contenders, runs):
        """Times programs that take milliseconds: all runs of each at once."""
        times = {contender.key: {"wall": [], "user": [], "system": []} for contender in contenders}
        self.call(contenders, ["--warmup", "3", "--runs", str(runs)], times)
        return times

    def call(self, contenders, options, times):
        """One call of hyperfine; a contender may be there several times."""
        export = os.path.join(self.stage.scratch, "hyperfine.json")
        command = [*self.prefix, "hyperfine", "-N", "--style", "none", *options, "--export-json", export]
        command += ["--prepare", shlex.join(["sh", self.ready])]
        command += [shlex.join(self.argv(contender, number)) for number, contender in enumerate(contenders)]
        done = subprocess.run(command, env=self.env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            raise Trouble(f"hyperfine failed:\n{done.stderr[-3000:]}")
        with open(export) as file:
            results = json.load(file)["results"]
        for contender, result in zip(contenders, results, strict=True):
            found = times[contender.key]
            found["wall"] += result["times"]
            found["user"].append(result["user"])
            found["system"].append(result["system"])


def inputs(contender, stage):
    """The files that a command reads, the images among its words."""
    words = [word for call in contender.calls or [contender.words] for word in call]
    for word in words:
        place = word.split(":")[1] if ":" in word else word
        if os.path.isabs(place) and not place.startswith(stage.out) and os.path.isfile(place):
            yield place


def files(path):
    """Everything at a path and below it."""
    if os.path.isdir(path) and not os.path.islink(path):
        for folder, _, names in os.walk(path):
            for name in names:
                yield os.path.join(folder, name)
    elif os.path.lexists(path):
        yield path


def usage(path):
    """What a file or folder takes on disk."""
    return sum(os.lstat(file).st_blocks * 512 for file in files(path))


def length(path):
    """How many bytes a file or folder holds."""
    return sum(os.lstat(file).st_size for file in files(path))


class Watcher:
    """Looks at what a program and its children have on disk: in a folder, and in open files without a name."""

    def __init__(self, pid, folder):
        self.pid, self.folder, self.peak, self.running = pid, folder, 0, True
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.running = False
        self.thread.join()

    def watch(self):
        while self.running:
            self.peak = max(self.peak, self.look())
            time.sleep(POLL_SECONDS)

    def look(self):
        seen = {}
        for path in files(self.folder):
            try:
                meta = os.lstat(path)
                seen[meta.st_dev, meta.st_ino] = meta.st_blocks
            except OSError:
                pass
        for pid in family(self.pid):
            try:
                for name in os.listdir(f"/proc/{pid}/fd"):
                    path = f"/proc/{pid}/fd/{name}"
                    if os.readlink(path).endswith(" (deleted)"):
                        meta = os.stat(path)
                        seen[meta.st_dev, meta.st_ino] = meta.st_blocks
            except OSError:
                pass
        return sum(seen.values()) * 512


def family(pid):
    """A process and its descendants."""
    found = [pid]
    for parent in found:
        try:
            with open(f"/proc/{parent}/task/{parent}/children") as file:
                found += [int(child) for child in file.read().split()]
        except OSError:
            pass
    return found
