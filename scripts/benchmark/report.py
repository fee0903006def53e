"""Writes RESULTS.md from what was measured. Nothing in it is known beforehand: another machine gives another text."""

from . import images
from .goals import GOALS, MB, PEAK, REFERENCE, SECOND_CORE, Results, verdict
from .groups import UNSYNCED

TITLES = {
    "gzip": "docker-archive → oci-archive, gzip",
    "zstd": "docker-archive → oci-archive, zstd (skopeo: level 1)",
    "gunzip": "oci-archive (gzip, made by skopeo) → docker-archive",
    "copy": "docker-archive → oci-archive, not compressed (skopeo: `--preserve-digests`)",
    "hybrid": "oci-archive, not compressed → hybrid-archive (skopeo, which has no hybrid: → docker-archive)",
    "dir": "oci-archive, not compressed → oci-dir (skopeo: `--preserve-digests`)",
    "own": "oci-archive (gzip, made by transload) → docker-archive",
    "random": "200 MB of noise in one layer, docker-archive → oci-archive, gzip",
    "start": "Start",
    "one-layer": "All in one layer, docker-archive → oci-archive",
    "layers": "1, 10 and 127 layers of the same total, docker-archive → oci-archive, gzip",
    "many-gunzip": "127 layers, oci-archive (gzip, made by skopeo) → docker-archive",
    "many-copy": "127 layers, docker-archive → oci-archive, not compressed",
    "sizes": "Images of 0.1 to 3 GB, docker-archive → oci-archive, gzip",
    "large-gunzip": "3 GB, oci-archive (gzip, made by skopeo) → docker-archive",
    "large-copy": "3 GB, docker-archive → oci-archive, not compressed",
    "fifty": "50 images that share two layers, docker-archive → oci-archive, gzip (skopeo: 50 calls, 50 archives)",
}


def table(head, rows, align=None):
    """A table in Markdown; columns but the first are to the right unless told otherwise."""
    align = align or ["---"] + ["---:"] * (len(head) - 1)
    lines = [head, align, *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines) + "\n"


def seconds(value):
    if value is None:
        return "–"
    return f"{1000 * value:.1f} ms" if value < 0.1 else f"{value:.2f} s"


def megabytes(value):
    if value is None:
        return "–"
    return f"{value / MB:.1f}" if value >= MB / 10 or not value else f"{value / MB:.3f}"


def times(value, digits=2):
    return "–" if value is None else f"{value:.{digits}f} ×"


def render(data):
    results = Results(data)
    parts = [head(data), goals(results), others(results), synced(results), measured(results), made_by(data)]
    return "\n".join(part.strip("\n") + "\n" for part in parts if part)


def head(data):
    machine, transload = data["machine"], data["transload"]
    peers = ", ".join(peer["version"] for peer in data["peers"])
    dates = sorted(group["date"] for group in data["groups"].values())
    date = dates[0] if dates[0] == dates[-1] else f"{dates[0]} to {dates[-1]}"
    runs, uneven, total = spread(data)
    features = f", with {' and '.join(machine['features'])}" if machine["features"] else ""
    return f"""<!-- Written by scripts/bench. Do not edit: run it again. -->

# Benchmark

`make bench` wrote this on {date}. The raw numbers are in [results.json](results.json).

- **Machine:** {machine["cores"]} cores of {machine["cpu"]}{features}; {machine["memory"]}; Linux {machine["kernel"]};
  {machine["file_system"]} on the disk that is written to.
- **Programs:** {transload["version"]} ({transload["commit"]}, {data["rustc"]});
  {peers}; {data["hyperfine"]}.
- **Image:** {data["image"]}.
- **How:** contenders of a group take turns, {runs} runs each, timed by hyperfine; the input is in the page cache, the
  output is new each time, on disk. Times are medians; CPU is user + system. Memory is the peak that GNU time tells,
  bytes written are those that the kernel counted, temporary disk is what lay there at the fullest besides the output.
  A MB is a million bytes.
- **Checked:** every output has the diff_ids of the input. transload's outputs have its image IDs as well (skopeo
  writes configs anew on the way to OCI); each of their layers was unpacked and hashed and is what its config says, and
  {data["checked_by"]} took them.
- transload syncs its output to the disk before the output gets its name; skopeo does not. That is in transload's times,
  but for the rows that say `--no-sync`: those are on the same terms.
{restless(uneven, total)}{plot_of(data)}"""


def spread(data):
    """How many runs there were, how many contenders varied by more than a third, and how many contenders there are."""
    groups = [group["contenders"].values() for name, group in data["groups"].items() if name != "start"]
    walls = [found["wall"] for group in groups for found in group if "wall" in found]
    runs = sorted({len(wall) for wall in walls}) or [0]
    uneven = sum(max(wall) > 4 / 3 * min(wall) for wall in walls)
    return (str(runs[0]) if len(runs) == 1 else f"{runs[0]} to {runs[-1]}"), uneven, len(walls)


def restless(uneven, total):
    """A warning, when the machine was not quiet."""
    if uneven == 0:
        return ""
    return f"""- **Beware:** the slowest run of {uneven} of {total} contenders took at least a third longer than their fastest; the
  machine was busy with other things.
"""


def plot_of(data):
    return "\n![Wall time and memory against the size of the image](results.svg)\n" if "sizes" in data["groups"] else ""


def goals(results):
    peers = results.peers
    columns = ["job"]
    for peer in peers:
        columns += [f"wall, × {peer['name']}", "goal", ""]
    columns += ["CPU, × " + peers[-1]["name"], "size, × " + peers[-1]["name"], ""]
    rows = []
    for goal in GOALS:
        if results.wall(goal.group, goal.ours) is None:
            continue
        row = [goal.title]
        for peer in peers:
            ratio = results.ratio(goal.group, goal.ours, goal.theirs.format(peer["name"]))
            limit = goal.limit(peer, peers)
            stretch = goal.stretch if limit == goal.now else None
            row += [times(ratio, 3), f"≤ {limit:.3g}" if limit else "", verdict(ratio, limit, stretch)]
        row.append(times(results.ratio(goal.group, goal.ours, goal.theirs.format(peers[-1]["name"]), "cpu")))
        if goal.size:
            size = results.size_ratio(goal, peers[-1])
            row += [times(size, 3), f"≤ {goal.size[0]:.2f}: {verdict(size, goal.size[0])}"]
        else:
            row += ["", ""]
        rows.append(row)
    if not rows:
        return ""
    align = ["---"] + ["---:", "---:", "---"] * len(peers) + ["---:", "---:", "---"]
    text = """
## Against skopeo

A ratio of 0.5 is half of skopeo's time. The size of zstd is held against skopeo's gzip.

"""
    return text + table(columns, rows, align)


def others(results):
    rows = []
    for title, group, limit in REFERENCE:
        # Like with like.
        for ours, key in (("transload", "reference, synced"), (UNSYNCED, "reference")):
            ratio = results.ratio(group, ours, key)
            if ratio is not None:
                walls = seconds(results.wall(group, ours)), seconds(results.wall(group, key))
                option = ", `--no-sync`" if ours == UNSYNCED else ""
                what = f"{title}{option}: {walls[0]}, × {key} ({walls[1]})"
                rows.append([what, times(ratio), f"≤ {limit}", verdict(ratio, limit)])
    for title, group, slow, fast, limit in SECOND_CORE:
        ratio = results.ratio(group, slow, fast)
        if ratio is not None:
            rows.append([f"second core: {title}", times(ratio), f"≥ {limit}", verdict(ratio, limit, least=True)])
    rows += growth(results) + limits(results) + start(results)
    if not rows:
        return ""
    text = """
## On its own

The reference is a program that reads every byte once, hashes it once and writes it once, on all cores
([reference.rs](reference.rs)): no tool that copies and checks can be faster by much.

"""
    return text + table(["what", "measured", "goal", ""], rows, ["---", "---:", "---:", "---"])


def growth(results):
    rows = []
    one, many = (f"transload, {images.tag_of(name)}" for name in ("debian-1.docker.tar", images.MANY))
    ratio = results.ratio("layers", many, one)
    if ratio is not None:
        rows.append(["127 layers, × 1 layer of the same total", times(ratio), "≤ 1.2", verdict(ratio, 1.2)])
    pair = []
    for image in (images.DEBIAN, images.LARGE):
        key = f"transload, {images.tag_of(image)}"
        found = results.find("sizes", key)
        if found and "wall" in found:
            pair.append(results.wall("sizes", key) / found["input_bytes"])
    if len(pair) == 2:
        rows.append(
            [
                "3 GB: wall for each byte, × that of the ordinary image",
                times(pair[1] / pair[0]),
                "≤ 1.1",
                verdict(pair[1] / pair[0], 1.1),
            ]
        )
    return rows


def limits(results):
    rows = []
    found = list(results.ours())
    if not found:
        return rows
    group, key, peak = max(found, key=lambda item: item[2]["peak_bytes"])
    where = f"{TITLES.get(group, group)}: {key}"
    rows.append(
        [
            f"largest peak of memory of all jobs ({where})",
            f"{megabytes(peak['peak_bytes'])} MB",
            "≤ 32 MB",
            verdict(peak["peak_bytes"], PEAK),
        ]
    )
    _, _, most = max(found, key=lambda item: item[2]["temporary_bytes"])
    # A page at the end, and folders, are no temporary files.
    rows.append(
        [
            "largest temporary files of all jobs",
            f"{megabytes(most['temporary_bytes'])} MB",
            "0",
            "met" if most["temporary_bytes"] <= MB / 10 else "missed",
        ]
    )
    counted = [item[2]["written_bytes"] / item[2]["output_bytes"] for item in found if item[2]["written_bytes"]]
    if counted:
        rows.append(
            ["most bytes written of all jobs, × output", times(max(counted)), "1.0", verdict(max(counted), 1.01)]
        )
    return rows


def start(results):
    rows = []
    for key in ("transload --version", "transload convert --dry-run", "transload inspect"):
        wall = results.wall("start", key)
        if wall is not None:
            what = key if "version" in key else f"{key} of an archive of 10 GB"
            rows.append([what, f"{1000 * wall:.1f} ms", "≤ 10 ms", verdict(wall, 0.010)])
    return rows


def synced(results):
    """What the sync costs here."""
    pair = [results.wall("copy", key) for key in ("reference, synced", "reference")]
    if not all(pair):
        return ""
    size = megabytes(results.find("copy", "reference")["input_bytes"])
    text = f"""
## What the sync costs

On this machine the reference takes {seconds(pair[0])} with a sync at the end and {seconds(pair[1])} without, for an
image of {size} MB."""
    for peer in results.peers:
        key = f"{peer['name']}, synced"
        ratio = results.ratio("copy", "transload", key)
        if ratio is not None:
            with_sync, without = seconds(results.wall("copy", key)), seconds(results.wall("copy", peer["name"]))
            text += f"""
skopeo {peer["number"]} followed by `sync` takes {with_sync} instead of {without} for the copy that is not compressed;
transload takes {times(ratio, 3)} of that."""
    return text + "\n"


def measured(results):
    text = "\n## All measurements\n"
    for name, title in TITLES.items():
        group = results.groups.get(name)
        if group is None:
            continue
        text += f"\n### {title}\n\n"
        rows = []
        for key, found in group["contenders"].items():
            wall, cpu = results.wall(name, key), results.cpu(name, key)
            spread = f"{min(found['wall']):.2f}–{max(found['wall']):.2f}" if wall and wall >= 0.1 else ""
            row = [key, seconds(wall), spread, seconds(cpu), megabytes(found.get("peak_bytes"))]
            if found.get("output_bytes"):
                written = found["written_bytes"] / found["output_bytes"] if found["written_bytes"] else None
                row += [megabytes(found["output_bytes"]), times(written), megabytes(found["temporary_bytes"])]
            else:
                row += ["", "", ""]
            rows.append(row)
        columns = ["", "wall", "from–to", "CPU", "peak MB", "output MB", "written, × output", "temporary MB"]
        text += table(columns, rows)
    return text


def made_by(data):
    lines = ["\n## Commands\n", "```text"]
    for name in TITLES:
        for key, found in data["groups"].get(name, {}).get("contenders", {}).items():
            lines.append(f"{name:12} {key:40} {found['command']}")
    return "\n".join([*lines, "```", ""])
