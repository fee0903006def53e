"""The images that are measured. Made once and kept; an image that is there is not made again."""

import hashlib
import io
import json
import os
import shutil
import tarfile

from . import debian
from .tools import Trouble, install, run, say

PIECE = 1 << 16
DEBIAN = "debian-4.docker.tar"
MANY = "debian-127.docker.tar"
LARGE = "debian-3000m.docker.tar"
FIFTY = "fifty.docker.tar"
RANDOM = "random.docker.tar"
# What skopeo makes of a docker-archive: layers in gzip.
SKOPEO_OCI = "debian-4.skopeo.oci.tar"
MANY_OCI = "debian-127.skopeo.oci.tar"
LARGE_OCI = "debian-3000m.skopeo.oci.tar"
PLAIN_OCI = "debian-4.plain.oci.tar"
# name: (layers, bytes), cut from the four layers of DEBIAN, which are repeated where they do not suffice.
CUTS = {
    "debian-1.docker.tar": (1, None),
    "debian-10.docker.tar": (10, None),
    MANY: (127, None),
    "debian-100m.docker.tar": (2, 100_000_000),
    "debian-350m.docker.tar": (3, 350_000_000),
    "debian-1500m.docker.tar": (6, 1_500_000_000),
    LARGE: (8, 3_000_000_000),
}
QUICK = [DEBIAN, SKOPEO_OCI, PLAIN_OCI, RANDOM]
ALL = [*QUICK, *CUTS, MANY_OCI, LARGE_OCI, FIFTY]


def tag_of(image):
    """The name of the image that a file holds."""
    return f"bench/{image.split('.')[0]}:1"


def header(name, size):
    """A tar header of a file; sizes beyond 8 GiB are written as GNU tar does."""
    info = tarfile.TarInfo(name)
    info.size, info.mtime = size, debian.EPOCH
    return info.tobuf(tarfile.GNU_FORMAT)


class Range:
    """Bytes of a file, from one place to another."""

    def __init__(self, path, start, end):
        self.path, self.start, self.end = path, start, end

    def __len__(self):
        return self.end - self.start

    def pieces(self):
        with open(self.path, "rb") as file:
            file.seek(self.start)
            left = len(self)
            while left:
                piece = file.read(min(PIECE, left))
                if not piece:
                    raise Trouble(f"{self.path}: ends early")
                left -= len(piece)
                yield piece


class Layer:
    """A layer's tar: ranges of other tars, one after the other, and an end if they have none."""

    def __init__(self, ranges, ended=False):
        self.ranges, self.ended = ranges, ended
        self.size = sum(map(len, ranges)) + (0 if ended else 1024)
        hasher = hashlib.sha256()
        for piece in self.pieces():
            hasher.update(piece)
        self.hex = hasher.hexdigest()

    def pieces(self):
        for part in self.ranges:
            yield from part.pieces()
        if not self.ended:
            yield bytes(1024)


class Image:
    def __init__(self, tag, layers):
        self.tag, self.layers = tag, layers
        config = {
            "architecture": "amd64",
            "config": {"Cmd": ["/bin/sh"], "Env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]},
            "created": "2023-11-14T22:13:20Z",
            "history": [{"created": "2023-11-14T22:13:20Z", "created_by": f"layer {n}"} for n in range(len(layers))],
            "os": "linux",
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer.hex}" for layer in layers]},
        }
        self.config = json.dumps(config, separators=(",", ":")).encode()
        self.hex = hashlib.sha256(self.config).hexdigest()


class Writer:
    """A tar that has its name when it is whole."""

    def __init__(self, path):
        self.path, self.part = path, path + ".part"

    def __enter__(self):
        self.tar = tarfile.open(self.part, "w", format=tarfile.USTAR_FORMAT)
        return self

    def __exit__(self, kind, *_):
        self.tar.close()
        if kind is None:
            os.rename(self.part, self.path)
        else:
            os.remove(self.part)

    def add(self, name, body):
        info = tarfile.TarInfo(name)
        info.mtime = debian.EPOCH
        if isinstance(body, Layer):
            info.size = body.size
            self.tar.addfile(info, debian.Pieces(body.pieces()))
        else:
            info.size = len(body)
            self.tar.addfile(info, io.BytesIO(body))


def write_docker(path, images):
    """A docker-archive as skopeo and current docker write it; layers that images share stand in it once."""
    with Writer(path) as out:
        written = set()
        for image in images:
            for layer in image.layers:
                if layer.hex not in written:
                    written.add(layer.hex)
                    out.add(f"{layer.hex}.tar", layer)
            out.add(f"{image.hex}.json", image.config)
        manifest = [
            {
                "Config": f"{image.hex}.json",
                "RepoTags": [image.tag],
                "Layers": [f"{layer.hex}.tar" for layer in image.layers],
            }
            for image in images
        ]
        out.add("manifest.json", json.dumps(manifest, separators=(",", ":")).encode())


def write_oci(path, image):
    """An oci-archive whose layers are not compressed."""
    kind = "application/vnd.oci.image"

    def descriptor(media, hex_digest, size, **more):
        return {"mediaType": f"{kind}.{media}", "digest": f"sha256:{hex_digest}", "size": size, **more}

    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{kind}.manifest.v1+json",
        "config": descriptor("config.v1+json", image.hex, len(image.config)),
        "layers": [descriptor("layer.v1.tar", layer.hex, layer.size) for layer in image.layers],
    }
    manifest = json.dumps(manifest, separators=(",", ":")).encode()
    manifest_hex = hashlib.sha256(manifest).hexdigest()
    name = {"annotations": {"org.opencontainers.image.ref.name": image.tag}}
    index = {"schemaVersion": 2, "manifests": [descriptor("manifest.v1+json", manifest_hex, len(manifest), **name)]}
    with Writer(path) as out:
        out.add("oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
        out.add("index.json", json.dumps(index, separators=(",", ":")).encode())
        for layer in image.layers:
            out.add(f"blobs/sha256/{layer.hex}", layer)
        out.add(f"blobs/sha256/{image.hex}", image.config)
        out.add(f"blobs/sha256/{manifest_hex}", manifest)


class Images:
    """A folder of images."""

    def __init__(self, folder):
        self.folder = os.path.abspath(folder)
        os.makedirs(self.folder, exist_ok=True)
        self.known = None

    def path(self, name):
        return os.path.join(self.folder, name)

    def make(self, names):
        for name in names:
            path, tag = self.path(name), tag_of(name)
            if os.path.exists(path):
                continue
            say(f"making {path}")
            if name == DEBIAN:
                self.debian(path)
            elif name in CUTS:
                layers, size = CUTS[name]
                write_docker(path, [Image(tag, self.cut(layers, size))])
            elif name == FIFTY:
                self.fifty(path)
            elif name == RANDOM:
                self.random(path)
            elif name in (SKOPEO_OCI, MANY_OCI, LARGE_OCI):
                self.skopeo(name.replace(".skopeo.oci.", ".docker."), path, tag)
            elif name == PLAIN_OCI:
                self.make([DEBIAN])
                write_oci(path, Image(tag, [Layer([part], ended=True) for part in self.layers()]))
            else:
                raise Trouble(f"{name}: not one of {', '.join(ALL)}")

    def debian(self, path):
        work = self.path("work")
        os.makedirs(work, exist_ok=True)
        layers = [Layer([Range(layer, 0, os.path.getsize(layer))], ended=True) for layer in debian.layers(work)]
        write_docker(path, [Image(tag_of(DEBIAN), layers)])
        shutil.rmtree(work)

    def layers(self):
        """Where the layers of DEBIAN lie in its archive, lowest first."""
        path = self.path(DEBIAN)
        with tarfile.open(path) as tar:
            members = {member.name: member for member in tar}
            manifest = json.load(tar.extractfile("manifest.json"))
        found = [members[name] for name in manifest[0]["Layers"]]
        return [Range(path, member.offset_data, member.offset_data + member.size) for member in found]

    def members(self):
        """All files of DEBIAN as ranges, each with its header, in the order of the layers."""
        if self.known is None:
            self.make([DEBIAN])
            self.known = []
            for layer in self.layers():
                with open(layer.path, "rb") as file:
                    file.seek(layer.start)
                    starts = []
                    end = None
                    with tarfile.open(fileobj=Window(file, layer), mode="r:") as tar:
                        for member in tar:
                            starts.append(member.offset)
                        end = tar.offset
                starts.append(end)
                pairs = zip(starts, starts[1:])
                self.known += [Range(layer.path, layer.start + a, layer.start + b) for a, b in pairs]
        return self.known

    def stream(self):
        """The files of DEBIAN, again and again."""
        while True:
            yield from self.members()

    def cut(self, count, size):
        """So many layers that hold so many bytes together, cut between files."""
        parts = self.stream()
        left = size
        if size is None:
            # A file that is larger than a layer comes early, so that the others can share out what is left.
            left = sum(map(len, self.members()))
            parts = iter(sorted(self.members(), key=lambda part: len(part) <= left // count))
        layers = []
        for rest in range(count, 0, -1):
            layer = take(parts, left // rest if rest > 1 else left)
            left = max(left - sum(map(len, layer)), 0)
            layers.append(Layer(layer))
        return layers

    def fifty(self, path):
        """50 images that share two layers of 53 MB and add 2.7 MB each."""
        parts = iter([part for part in self.members() if len(part) < 500_000])
        shared = [Layer(take(parts, 40_000_000)), Layer(take(parts, 13_000_000))]
        own = [Layer(take(parts, 2_700_000)) for _ in range(50)]
        write_docker(path, [Image(f"bench/fifty:{n}", [*shared, layer]) for n, layer in enumerate(own)])

    def random(self, path):
        plain = self.path("random.tar.part")
        with tarfile.open(plain, "w", format=tarfile.USTAR_FORMAT):
            pass
        debian.append_noise(plain, "noise", 5, 200_000_000)
        write_docker(path, [Image(tag_of(RANDOM), [Layer([Range(plain, 0, os.path.getsize(plain))], ended=True)])])
        os.remove(plain)

    def skopeo(self, source, path, tag):
        self.make([source])
        install("skopeo")
        part = path + ".part"
        if os.path.exists(part):
            os.remove(part)
        source = f"docker-archive:{self.path(source)}"
        run("skopeo", "--insecure-policy", "--tmpdir", self.folder, "copy", source, f"oci-archive:{part}:{tag}")
        os.rename(part, path)


class Window(io.RawIOBase):
    """A layer inside a file, as a file."""

    def __init__(self, file, part):
        self.file, self.part, self.at = file, part, 0

    def seek(self, offset, whence=0):
        self.at = offset + (0, self.at, len(self.part))[whence]
        return self.at

    def tell(self):
        return self.at

    def readable(self):
        return True

    def seekable(self):
        return True

    def read(self, size=-1):
        left = max(len(self.part) - self.at, 0)
        self.file.seek(self.part.start + self.at)
        piece = self.file.read(left if size < 0 else min(size, left))
        self.at += len(piece)
        return piece


def take(parts, size):
    """Ranges that hold so many bytes, at least one; neighbours are joined."""
    taken, total = [], 0
    while not taken or total < size:
        part = next(parts, None)
        if part is None:
            break
        total += len(part)
        if taken and (taken[-1].path, taken[-1].end) == (part.path, part.start):
            taken[-1] = Range(part.path, taken[-1].start, part.end)
        else:
            taken.append(part)
    return taken
