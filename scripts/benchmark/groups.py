"""What is measured. A group's contenders take turns, so that a slow minute of the machine hits them all."""

import json
import os

from . import images
from .contenders import Contender
from .images import DEBIAN, FIFTY, PLAIN_OCI, RANDOM, SKOPEO_OCI

ONE_THREAD = "transload, 1 thread"
FAST = "transload fast"
UNSYNCED = "transload, not synced"
FAST_LEVEL = ["--compression-level", "fast"]
SIZES = ["debian-100m.docker.tar", "debian-350m.docker.tar", DEBIAN, "debian-1500m.docker.tar", images.LARGE]
LAYERS = ["debian-1.docker.tar", "debian-10.docker.tar", images.MANY]
MANY_OCI, LARGE_OCI = images.MANY_OCI, images.LARGE_OCI
# Groups that `--quick` leaves out take minutes.
QUICK = ["gzip", "zstd", "gunzip", "copy", "hybrid", "dir", "own", "random", "start"]
FULL = [*QUICK, "one-layer", "layers", "many-gunzip", "many-copy", "sizes", "large-gunzip", "large-copy", "fifty"]
# Runs of a group where it takes long.
FEW = {"sizes": 3, "fifty": 3, "large-gunzip": 3, "large-copy": 3}


class Stage:
    """Everything that commands are made of."""

    def __init__(self, store, scratch, transload, peers, reference):
        self.store, self.transload, self.peers, self.reference = store, transload, peers, reference
        self.scratch = scratch
        # Made anew for each run.
        self.out = os.path.join(scratch, "out")
        self.tmp = os.path.join(self.out, "tmp")
        # Kept for the whole session.
        self.keep = os.path.join(scratch, "keep")

    def image(self, name):
        self.store.make([name])
        return self.store.path(name)

    def at(self, name):
        return os.path.join(self.out, name)

    def ours(self, key, image, to, *options, source=None, before=None):
        path = source or self.image(image)
        words = self.transload.convert(path, self.at("out"), to, *options)
        return Contender(key, self.transload, words, self.at("out"), to, image, before)

    def both(self, image, to, *options, **more):
        """With the sync at the end, and without, as skopeo does it."""
        return [
            self.ours("transload", image, to, *options, **more),
            self.ours(UNSYNCED, image, to, "--no-sync", *options, **more),
        ]

    def theirs(
        self, image, transport, *options, source="docker-archive", suffix="", sync=False, path=None, before=None
    ):
        name = images.tag_of(image)
        found = []
        for peer in self.peers:
            target = f"{transport}:{self.at('out')}:{name}"
            # An oci-archive holds the image under its name; a docker-archive of one image needs none.
            # Every image file that is read here holds one image, which needs no name then.
            place = f"{source}:{path or self.image(image)}"
            words = peer.copy(place, target, *options, tmp=self.tmp)
            kind = {"oci": "oci-dir"}.get(transport, transport)
            key = peer.name + suffix
            found.append(Contender(key, peer, words, self.at("out"), kind, image, before, sync=sync))
        return found

    def copies(self, image):
        """The yardstick, with and without a sync at the end."""
        path = self.image(image)
        return [
            Contender(
                key, self.reference, self.reference.copy(path, self.at("out"), *options), self.at("out"), image=image
            )
            for key, options in [("reference", []), ("reference, synced", ["--sync"])]
        ]

    def fast(self):
        """Whether this transload has the word."""
        words = ["convert", "--dry-run", "--to", "oci-archive", *FAST_LEVEL, self.image(DEBIAN), self.at("none")]
        return self.transload.knows(*words)


def group(stage, name):
    """The contenders of a group; makes the images that they need."""
    many, large = images.MANY, images.LARGE
    makers = {
        "gzip": lambda: gzip(stage),
        "zstd": lambda: zstd(stage),
        "gunzip": lambda: gunzip(stage, SKOPEO_OCI),
        "copy": lambda: copy(stage, DEBIAN),
        "hybrid": lambda: [
            *stage.both(PLAIN_OCI, "hybrid-archive", "--compression", "none"),
            *stage.theirs(PLAIN_OCI, "docker-archive", source="oci-archive"),
            *stage.copies(PLAIN_OCI),
        ],
        "dir": lambda: [
            *stage.both(PLAIN_OCI, "oci-dir"),
            # Without the option skopeo compresses the layers.
            *stage.theirs(PLAIN_OCI, "oci", "--preserve-digests", source="oci-archive"),
            *stage.copies(PLAIN_OCI),
        ],
        "own": lambda: own(stage),
        "random": lambda: [
            stage.ours("transload", RANDOM, "oci-archive"),
            *stage.theirs(RANDOM, "oci-archive"),
        ],
        "start": lambda: start(stage),
        "one-layer": lambda: one_layer(stage),
        "layers": lambda: several(stage, LAYERS),
        "many-gunzip": lambda: gunzip(stage, MANY_OCI),
        "many-copy": lambda: copy(stage, many),
        "sizes": lambda: several(stage, SIZES),
        "large-gunzip": lambda: gunzip(stage, LARGE_OCI),
        "large-copy": lambda: copy(stage, large),
        "fifty": lambda: fifty(stage),
    }
    return makers[name]()


def gzip(stage):
    fast = [stage.ours(FAST, DEBIAN, "oci-archive", *FAST_LEVEL)] if stage.fast() else []
    return [
        stage.ours("transload", DEBIAN, "oci-archive"),
        stage.ours(ONE_THREAD, DEBIAN, "oci-archive", "--threads", "1"),
        *fast,
        *stage.theirs(DEBIAN, "oci-archive"),
    ]


def zstd(stage):
    options = ["--compression", "zstd"]
    fast = [stage.ours(FAST, DEBIAN, "oci-archive", *options, *FAST_LEVEL)] if stage.fast() else []
    return [
        stage.ours("transload", DEBIAN, "oci-archive", *options),
        stage.ours("transload, level 1", DEBIAN, "oci-archive", *options, "--compression-level", "1"),
        stage.ours(ONE_THREAD, DEBIAN, "oci-archive", *options, "--threads", "1"),
        *fast,
        *stage.theirs(DEBIAN, "oci-archive", "--dest-compress-format", "zstd", "--dest-compress-level", "1"),
    ]


def gunzip(stage, image):
    return [
        *stage.both(image, "docker-archive"),
        *stage.theirs(image, "docker-archive", source="oci-archive"),
    ]


def copy(stage, image):
    synced = stage.theirs(image, "oci-archive", "--preserve-digests", suffix=", synced", sync=True)
    return [
        *stage.both(image, "oci-archive", "--compression", "none"),
        *stage.theirs(image, "oci-archive", "--preserve-digests"),
        *synced[-1:],
        *stage.copies(image),
    ]


def own(stage):
    """transload's own gzip archive on its way back."""
    made = os.path.join(stage.keep, "own.oci.tar")
    make = stage.transload.convert(stage.image(DEBIAN), made, "oci-archive")
    before = (made, make)
    return [
        *stage.both(DEBIAN, "docker-archive", source=made, before=before),
        *stage.theirs(DEBIAN, "docker-archive", source="oci-archive", path=made, before=before),
    ]


def one_layer(stage):
    image = LAYERS[0]
    fast = [(FAST, FAST_LEVEL)] if stage.fast() else []
    found = []
    for key, options in [("gzip", []), ("zstd", ["--compression", "zstd"]), *fast]:
        found.append(stage.ours(f"{key}, 2 threads", image, "oci-archive", *options, "--threads", "2"))
        found.append(stage.ours(f"{key}, 1 thread", image, "oci-archive", *options, "--threads", "1"))
    return found


def several(stage, names):
    """The default job with several images; a key says which."""
    found = []
    for image in names:
        for contender in [stage.ours("transload", image, "oci-archive"), *stage.theirs(image, "oci-archive")]:
            contender.key += f", {images.tag_of(image)}"
            found.append(contender)
    return found


def fifty(stage):
    path = stage.image(FIFTY)
    found = [
        stage.ours("transload", FIFTY, "oci-archive"),
        stage.ours("transload, plain", FIFTY, "oci-archive", "--compression", "none"),
    ]
    for peer in stage.peers:
        calls = []
        for number in range(50):
            name = f"bench/fifty:{number}"
            target = f"oci-archive:{stage.at('out')}/{number}.tar:{name}"
            calls.append(peer.copy(f"docker-archive:{path}:{name}", target, tmp=stage.tmp))
        calls.insert(0, ["mkdir", stage.at("out")])
        found.append(Contender(peer.name, peer, [], stage.at("out"), "oci-archives", FIFTY, calls=calls))
    return found


def start(stage):
    """What takes no time: the version, and what a sparse archive of 10 GB would become."""
    sparse = os.path.join(stage.keep, "sparse.tar")
    os.makedirs(stage.keep, exist_ok=True)
    make_sparse(sparse, 10_000_000_000)
    ours = stage.transload
    plan = [ours.path, "convert", "--quiet", "--dry-run", "--to", "oci-archive", sparse, stage.at("none")]
    found = [
        Contender("transload --version", ours, [ours.path, "--version"]),
        Contender("transload convert --dry-run", ours, plan),
    ]
    if ours.knows("inspect", "--help"):
        found.append(Contender("transload inspect", ours, [ours.path, "inspect", sparse]))
    return found + [Contender(f"{peer.name} --version", peer, [peer.path, "--version"]) for peer in stage.peers]


def make_sparse(path, size):
    """An archive whose one layer is a hole."""
    hole = "0" * 64
    rootfs = {"type": "layers", "diff_ids": [f"sha256:{hole}"]}
    config = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": rootfs}).encode()
    manifest = [{"Config": "config.json", "RepoTags": ["bench/sparse:1"], "Layers": ["layer.tar"]}]
    with open(path, "wb") as file:
        file.write(images.header("layer.tar", size))
        file.seek(-(-size // 512) * 512, os.SEEK_CUR)
        for name, body in [("config.json", config), ("manifest.json", json.dumps(manifest).encode())]:
            file.write(images.header(name, len(body)) + body + bytes(-len(body) % 512))
        file.write(bytes(1024))
