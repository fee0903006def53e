"""Whether outputs are right: read here without the programs that are measured, and once more by them."""

import hashlib
import json
import os
import subprocess
import tarfile
import threading
import zlib

from .tools import Trouble, run

PIECE = 1 << 20


class Archive:
    """The members of a tar, or the files of a folder."""

    def __init__(self, path):
        self.path = path
        self.members = None
        if os.path.isfile(path):
            with tarfile.open(path, "r:") as tar:
                self.members = {member.name.removeprefix("./"): member for member in tar}

    def has(self, name):
        return name in self.members if self.members is not None else os.path.exists(os.path.join(self.path, name))

    def pieces(self, name):
        if self.members is None:
            with open(os.path.join(self.path, name), "rb") as file:
                while piece := file.read(PIECE):
                    yield piece
            return
        member = self.members[name]
        for _ in range(8):
            if not (member.issym() or member.islnk()):
                break
            folder = os.path.dirname(member.name) if member.issym() else ""
            member = self.members[os.path.normpath(os.path.join(folder, member.linkname))]
        with open(self.path, "rb") as file:
            file.seek(member.offset_data)
            left = member.size
            while left:
                piece = file.read(min(PIECE, left))
                if not piece:
                    raise Trouble(f"{self.path}: {name} ends early")
                left -= len(piece)
                yield piece

    def bytes(self, name):
        return b"".join(self.pieces(name))


def plain(pieces):
    """Undoes gzip, of any number of members, and zstd."""
    pieces = iter(pieces)
    head = next(pieces, b"")
    if head.startswith(b"\x1f\x8b"):
        yield from gunzip(head, pieces)
    elif head.startswith(b"\x28\xb5\x2f\xfd"):
        yield from unzstd(head, pieces)
    else:
        yield head
        yield from pieces


def gunzip(head, pieces):
    decoder, rest = zlib.decompressobj(31), head
    while rest or (rest := next(pieces, b"")):
        if decoder.eof:
            decoder = zlib.decompressobj(31)
        yield decoder.decompress(rest)
        rest = decoder.unused_data
    if not decoder.eof:
        raise Trouble("a gzip stream ends early")


def unzstd(head, pieces):
    with subprocess.Popen(["zstd", "-dcq"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:

        def feed():
            with child.stdin:
                child.stdin.write(head)
                for piece in pieces:
                    child.stdin.write(piece)

        feeder = threading.Thread(target=feed)
        feeder.start()
        while piece := child.stdout.read(PIECE):
            yield piece
        feeder.join()
    if child.returncode != 0:
        raise Trouble("zstd could not read a layer")


def sha256(pieces):
    hasher = hashlib.sha256()
    for piece in pieces:
        hasher.update(piece)
    return hasher.hexdigest()


def configs(archive, kind):
    """The images of an archive: (config, member of each layer, digest that each layer's member must have)."""
    if kind in ("docker-archive", "hybrid-archive"):
        for image in json.loads(archive.bytes("manifest.json")):
            yield archive.bytes(image["Config"]), image["Layers"], [None] * len(image["Layers"])
    if kind in ("oci-archive", "oci-dir", "hybrid-archive"):
        for descriptor in json.loads(archive.bytes("index.json"))["manifests"]:
            manifest = json.loads(blob(archive, descriptor["digest"]))
            layers = [layer["digest"].partition(":")[2] for layer in manifest["layers"]]
            yield blob(archive, manifest["config"]["digest"]), [f"blobs/sha256/{layer}" for layer in layers], layers


def blob(archive, digest):
    hex_digest = digest.partition(":")[2]
    found = archive.bytes(f"blobs/sha256/{hex_digest}")
    if hashlib.sha256(found).hexdigest() != hex_digest:
        raise Trouble(f"{archive.path}: {digest} holds something else")
    return found


def kind_of(path):
    return "oci-archive" if ".oci." in path else "docker-archive"


def image_ids(path, kind):
    """The IDs of the images in an archive, without a look at their layers."""
    return sorted(hashlib.sha256(config).hexdigest() for config, _, _ in configs(Archive(path), kind))


def layers(path, kind):
    """The diff_ids of each image in an archive, without a look at the layers."""
    return sorted(json.loads(config)["rootfs"]["diff_ids"] for config, _, _ in configs(Archive(path), kind))


def check(path, kind, expected):
    """Reads an output: every image is there, every layer is what its config says."""
    archive = Archive(path)
    ids, known = [], {}
    for config, members, digests in configs(archive, kind):
        ids.append(hashlib.sha256(config).hexdigest())
        diff_ids = [diff_id.partition(":")[2] for diff_id in json.loads(config)["rootfs"]["diff_ids"]]
        for member, digest, diff_id in zip(members, digests, diff_ids, strict=True):
            if digest and known.setdefault((member, "stored"), None) is None:
                known[member, "stored"] = sha256(archive.pieces(member))
            if digest and known[member, "stored"] != digest:
                raise Trouble(f"{path}: {member} is not what its name says")
            if known.setdefault(member) is None:
                known[member] = sha256(plain(archive.pieces(member)))
            if known[member] != diff_id:
                raise Trouble(f"{path}: {member} is not the layer that the config names")
    if kind == "hybrid-archive":
        ids = sorted(set(ids))
    if sorted(ids) != expected:
        raise Trouble(f"{path}: holds the images {sorted(ids)} instead of {expected}")


def first_name(path, kind):
    """What the first image in an archive is called there."""
    archive = Archive(path)
    if kind in ("docker-archive", "hybrid-archive"):
        return json.loads(archive.bytes("manifest.json"))[0]["RepoTags"][0]
    return json.loads(archive.bytes("index.json"))["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"]


def accepted(transload, peer, path, kind):
    """Has transload's own verify and skopeo read an output. Returns who was asked, and the ID of the first image."""
    asked = []
    if transload.knows("verify", "--help"):
        run(transload.path, "verify", path)
        asked.append("transload verify")
    transport = {"oci-dir": "oci", "hybrid-archive": "docker-archive"}.get(kind, kind)
    place = f"{transport}:{path}:{first_name(path, kind)}"
    config = run(peer.path, "--insecure-policy", "inspect", "--config", "--raw", place)
    asked.append(f"{peer.name} inspect")
    return asked, hashlib.sha256(config.encode()).hexdigest()
