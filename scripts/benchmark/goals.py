"""The goals, and how far what was measured is from them. A ratio is a median wall time over another."""

import statistics

from . import images
from .groups import FAST, ONE_THREAD, UNSYNCED

# So much of the wall time of skopeo 1.9.3 took skopeo 1.22 for the same jobs; used where only one of them was measured.
NEWER = 0.76
# Where a skopeo counts as current.
CURRENT = [1, 20]
MB = 1_000_000
PEAK = 32 * MB
MANY, LARGE = images.tag_of(images.MANY), images.tag_of(images.LARGE)


class Goal:
    """A job, and the largest ratio to the current skopeo and to Debian's 1.9.3 that is good enough."""

    def __init__(self, title, group, ours="transload", theirs="{}", now=None, stretch=None, debian=None, size=None):
        self.title, self.group, self.ours, self.theirs = title, group, ours, theirs
        self.now, self.stretch, self.debian = now, stretch, debian
        # (largest ratio of the sizes, group of the other output)
        self.size = size

    def limit(self, peer, peers):
        """The goal against this peer, or None."""
        if peer["order"] >= CURRENT:
            return self.now
        if self.debian is None and self.now is not None and all(other["order"] < CURRENT for other in peers):
            return self.now * NEWER
        return self.debian


GZIP = {"now": 0.55, "stretch": 0.48, "debian": 0.42, "size": (1.00, None)}
GUNZIP = {"now": 0.22, "stretch": 0.18, "debian": 0.18}
COPY = {"now": 0.18, "stretch": 0.14}


def both(title, group, **limits):
    """A job as it is by default, and on the same terms as skopeo's."""
    return [Goal(title, group, **limits), Goal("… `--no-sync`", group, UNSYNCED, **limits)]


GOALS = [
    Goal("docker-archive → oci-archive, gzip", "gzip", **GZIP),
    Goal("… `--compression-level fast`", "gzip", FAST, now=0.35, stretch=0.25, debian=0.27, size=(1.08, None)),
    Goal("… zstd, default level; skopeo: level 1", "zstd", now=0.35, size=(1.00, "gzip")),
    Goal("… zstd, `fast`; skopeo: level 1", "zstd", FAST, now=0.35, size=(1.00, "gzip")),
    Goal("… zstd, level 1; skopeo: level 1", "zstd", "transload, level 1", now=0.35, size=(1.00, "gzip")),
    *both("oci-archive (gzip) → docker-archive", "gunzip", **GUNZIP),
    *both("docker-archive → oci-archive, `--compression none`", "copy", **COPY),
    *both("oci-archive, plain → hybrid-archive; skopeo: → docker-archive", "hybrid", **COPY),
    *both("oci-archive, plain → oci-dir", "dir", **COPY),
    *both("oci-archive (transload's gzip) → docker-archive", "own"),
    Goal("200 MB of noise, docker-archive → oci-archive, gzip", "random", now=0.4),
    Goal("50 images that share layers, in one archive; skopeo: 50 calls", "fifty", now=0.025),
    Goal("127 layers, docker-archive → oci-archive, gzip", "layers", f"transload, {MANY}", "{}, " + MANY, **GZIP),
    *both("127 layers, oci-archive (gzip) → docker-archive", "many-gunzip", **GUNZIP),
    *both("127 layers, docker-archive → oci-archive, `--compression none`", "many-copy", **COPY),
    Goal("3 GB, docker-archive → oci-archive, gzip", "sizes", f"transload, {LARGE}", "{}, " + LARGE, **GZIP),
    *both("3 GB, oci-archive (gzip) → docker-archive", "large-gunzip", **GUNZIP),
    *both("3 GB, docker-archive → oci-archive, `--compression none`", "large-copy", **COPY),
]
# title, group, the slower one, the faster one, smallest ratio
SECOND_CORE = [
    ("gzip, 4 layers", "gzip", ONE_THREAD, "transload", 1.75),
    ("zstd, 4 layers", "zstd", ONE_THREAD, "transload", 1.75),
    ("gzip, one layer", "one-layer", "gzip, 1 thread", "gzip, 2 threads", 1.75),
    ("gzip fast, one layer", "one-layer", f"{FAST}, 1 thread", f"{FAST}, 2 threads", 1.75),
    ("zstd, one layer", "one-layer", "zstd, 1 thread", "zstd, 2 threads", 1.75),
]
# title, group, largest ratio to the reference
REFERENCE = [
    ("docker-archive → oci-archive, `--compression none`", "copy", 1.3),
    ("oci-archive, plain → hybrid-archive", "hybrid", 1.3),
    ("oci-archive, plain → oci-dir", "dir", 1.3),
    ("127 layers, `--compression none`", "many-copy", 1.3),
    ("3 GB, `--compression none`", "large-copy", 1.3),
]


class Results:
    """What was measured, with questions."""

    def __init__(self, data):
        self.data, self.groups = data, data["groups"]
        self.peers = data["peers"]

    def find(self, group, key):
        return self.groups.get(group, {}).get("contenders", {}).get(key)

    def wall(self, group, key):
        found = self.find(group, key)
        return statistics.median(found["wall"]) if found and "wall" in found else None

    def cpu(self, group, key):
        found = self.find(group, key)
        if not found or "wall" not in found:
            return None
        return statistics.median(map(sum, zip(found["user"], found["system"], strict=True)))

    def ratio(self, group, ours, theirs, what="wall"):
        pair = [getattr(self, what)(group, key) for key in (ours, theirs)]
        return pair[0] / pair[1] if all(pair) else None

    def size_ratio(self, goal, peer):
        ours = self.find(goal.group, goal.ours)
        theirs = self.find(goal.size[1] or goal.group, goal.theirs.format(peer["name"]))
        return ours["output_bytes"] / theirs["output_bytes"] if ours and theirs else None

    def ours(self):
        """Everything that transload wrote: (group, key, what was measured)."""
        for group, found in self.groups.items():
            for key, contender in found["contenders"].items():
                if contender["program"] == "transload" and contender.get("output_bytes"):
                    yield group, key, contender


def verdict(ratio, limit, stretch=None, least=False):
    """Says in a word or two whether a goal was met."""
    if limit is None or ratio is None:
        return ""
    if least:
        return "met" if ratio >= limit else f"missed by {100 * (1 - ratio / limit):.0f} %"
    if stretch is not None and ratio <= stretch:
        return "met, and the stretch"
    return "met" if ratio <= limit else f"missed by {100 * (ratio / limit - 1):.0f} %"
