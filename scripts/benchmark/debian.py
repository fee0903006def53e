"""The layers of an ordinary image: Debian bookworm by debootstrap, a toolchain, source text, programs, noise.

The same mirror state gives the same bytes, but for the few files that Debian's own installation stamps with the time.
"""

import os
import random
import shlex
import shutil
import stat
import subprocess
import tarfile

from .tools import Trouble, install, run, say

RELEASE = "bookworm"
TOOLCHAIN = ["python3", "gcc", "git", "perl"]
SOURCES = ["python3.11", "git", "perl"]
PROGRAMS = ["docker.io", "containerd", "runc"]
SOURCE_BYTES = 109_000_000
PROGRAM_BYTES = 108_000_000
NOISE_BYTES = 40_000_000
# What differs from one installation to the next, or is there for the installation only.
PASSING = ("dev/", "proc/", "sys/", "run/", "tmp/", "var/cache/", "var/log/", "var/lib/apt/lists/", "var/tmp/")
EPOCH = 1_700_000_000


def noise(seed, size):
    """Bytes that no codec makes smaller, the same for the same seed, a megabyte at a time."""
    source = random.Random(seed)
    for start in range(0, size, 1 << 20):
        yield source.randbytes(min(1 << 20, size - start))


def mirror():
    """Where this machine's apt finds the release, and the proxy that it goes through."""
    form = "$(RELEASE) $(COMPONENT) $(REPO_URI)"
    for line in run("apt-get", "indextargets", "--format", form, "Created-By: Packages").splitlines():
        release, component, uri = line.split(" ", 2)
        if (release, component) == (RELEASE, "main"):
            break
    else:
        raise Trouble(f"apt knows no source for {RELEASE} main: add one, or name a mirror with DEBIAN_MIRROR")
    proxy = run("apt-config", "shell", "proxy", "Acquire::http::Proxy").strip()
    return uri, shlex.split(proxy.removeprefix("proxy="))[0] if proxy else None


def listing(root):
    """All that is below a folder, by path, without what passes; the value changes when the file does."""
    found = {}
    for folder, folders, files in os.walk(root):
        folders.sort()
        for name in folders + files:
            path = os.path.join(folder, name)
            inside = os.path.relpath(path, root)
            if not inside.startswith(PASSING):
                meta = os.lstat(path)
                found[inside] = (meta.st_mode, meta.st_size, meta.st_mtime_ns, meta.st_ino)
    return found


def entry(tar, path, name):
    """A tar header without anything of this machine in it."""
    info = tar.gettarinfo(path, name)
    if info is not None:
        info.mtime = min(int(info.mtime), EPOCH)
        info.uname = info.gname = ""
    return info


def pack(root, names, out):
    """A layer of the named files, in the order of their names."""
    with tarfile.open(out, "w", format=tarfile.PAX_FORMAT) as tar:
        for name in sorted(names):
            path = os.path.join(root, name)
            info = entry(tar, path, name)
            if info is None:
                continue
            if info.isreg():
                with open(path, "rb") as file:
                    tar.addfile(info, file)
            else:
                tar.addfile(info)


def some(root, limit):
    """Files in the order of their names until they hold so many bytes."""
    total, chosen = 0, []
    for name, (mode, size, _, _) in sorted(listing(root).items()):
        if stat.S_ISREG(mode) and total < limit:
            total += size
            chosen.append(name)
    return chosen


def append_noise(path, name, seed, size):
    """Adds a file of noise to a layer."""
    with tarfile.open(path, "a", format=tarfile.PAX_FORMAT) as tar:
        info = tarfile.TarInfo(name)
        info.size, info.mtime = size, EPOCH
        tar.addfile(info, Pieces(noise(seed, size)))


class Pieces:
    """Makes a file, as tarfile wants one, of pieces."""

    def __init__(self, pieces):
        self.pieces, self.rest = pieces, b""

    def read(self, size):
        while len(self.rest) < size and (piece := next(self.pieces, None)):
            self.rest += piece
        read, self.rest = self.rest[:size], self.rest[size:]
        return read


def layers(folder):
    """Makes four layers in a folder and returns their paths, lowest first."""
    if os.geteuid() != 0:
        raise Trouble("debootstrap works as root only")
    install("debootstrap")
    uri, proxy = os.environ.get("DEBIAN_MIRROR"), os.environ.get("http_proxy")
    if uri is None:
        uri, proxy = mirror()
    env = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C", "SOURCE_DATE_EPOCH": str(EPOCH)}
    if proxy:
        env["http_proxy"] = proxy
    root = os.path.join(folder, "root")
    shutil.rmtree(root, ignore_errors=True)
    paths = [os.path.join(folder, f"layer{n}.tar") for n in range(4)]

    say(f"debootstrap: {RELEASE}")
    try:
        run("debootstrap", "--variant=minbase", RELEASE, root, uri, env=env)
    finally:
        release_mounts(root)
    base = listing(root)
    pack(root, base, paths[0])

    def inside(*command):
        run("chroot", root, *command, env=env)

    say(f"installing {' '.join(TOOLCHAIN)} there")
    with open(os.path.join(root, "etc/apt/sources.list"), "w") as file:
        file.write(f"deb {uri} {RELEASE} main\ndeb-src {uri} {RELEASE} main\n")
    inside("apt-get", "update", "-qq")
    inside("apt-get", "install", "-qq", "--no-install-recommends", *TOOLCHAIN)
    # The image tells nobody where it came from.
    with open(os.path.join(root, "etc/apt/sources.list"), "w") as file:
        file.write("# none\n")
    os.utime(os.path.join(root, "etc/apt/sources.list"), (EPOCH, EPOCH))
    whole = listing(root)
    pack(root, [name for name, meta in whole.items() if base.get(name) != meta], paths[1])

    say(f"source text of {' '.join(SOURCES)}")
    with open(os.path.join(root, "etc/apt/sources.list"), "w") as file:
        file.write(f"deb {uri} {RELEASE} main\ndeb-src {uri} {RELEASE} main\n")
    sources = fetch(root, folder, "source", ["apt-get", "source", "-qq", "--download-only", *SOURCES], inside)
    for name in sorted(os.listdir(sources)):
        if ".orig" in name and ".tar." in name and not name.endswith(".asc"):
            run("tar", "-C", sources, "-xf", os.path.join(sources, name))
    for name in os.listdir(sources):
        if os.path.isfile(os.path.join(sources, name)):
            os.remove(os.path.join(sources, name))
    pack(folder, ["source/" + name for name in some(sources, SOURCE_BYTES)], paths[2])

    say(f"programs of {' '.join(PROGRAMS)}")
    programs = fetch(root, folder, "app", ["apt-get", "download", "-qq", *PROGRAMS], inside)
    for name in sorted(os.listdir(programs)):
        run("dpkg-deb", "-x", os.path.join(programs, name), programs)
        os.remove(os.path.join(programs, name))
    shutil.rmtree(os.path.join(programs, "usr/share"), ignore_errors=True)
    pack(folder, ["app/" + name for name in some(programs, PROGRAM_BYTES)], paths[3])
    append_noise(paths[3], "app/noise", 4, NOISE_BYTES)
    shutil.rmtree(root)
    shutil.rmtree(sources)
    shutil.rmtree(programs)
    return paths


def fetch(root, folder, name, command, inside):
    """Runs a command in the new system that downloads into its folder, and moves that out of it."""
    made = os.path.join(root, name)
    os.mkdir(made)
    inside("sh", "-c", f"cd /{name} && {shlex.join(command)} -o APT::Sandbox::User=root")
    target = os.path.join(folder, name)
    shutil.rmtree(target, ignore_errors=True)
    shutil.move(made, target)
    return target


def release_mounts(root):
    """Takes away what debootstrap mounted in the new system, in case it was interrupted."""
    with open("/proc/mounts") as file:
        mounted = [line.split()[1] for line in file]
    for point in reversed(mounted):
        if point.startswith(os.path.realpath(root) + "/"):
            subprocess.run(["umount", point], check=False)
