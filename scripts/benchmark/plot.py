"""Draws wall time and memory against the size of the image."""

from html import escape

from . import images
from .goals import MB, Results
from .groups import SIZES

WIDTH, HEIGHT = 880, 400
# Of one of the two diagrams, inside its axes.
LEFT, TOP, WIDE, HIGH, APART = 62, 74, 330, 262, 104
COLOURS = ["ours", "peer1", "peer2", "peer3"]
STYLE = """
  svg { font: 13px system-ui, "DejaVu Sans", sans-serif; }
  .card { fill: #ffffff; } .text { fill: #1f2328; } .soft { fill: #59636e; } .grid { stroke: #d1d9e0; }
  .axis { stroke: #59636e; } .line { fill: none; stroke-width: 2.5; } .title { font-weight: 600; }
  .ours { stroke: #0969da; fill: #0969da; } .peer1 { stroke: #bc4c00; fill: #bc4c00; }
  .peer2 { stroke: #8250df; fill: #8250df; } .peer3 { stroke: #1a7f37; fill: #1a7f37; }
  .line.ours, .line.peer1, .line.peer2, .line.peer3 { fill: none; }
  @media (prefers-color-scheme: dark) {
    .card { fill: #0d1117; } .text { fill: #f0f6fc; } .soft { fill: #9198a1; } .grid { stroke: #3d444d; }
    .axis { stroke: #9198a1; } .ours { stroke: #4493f8; fill: #4493f8; } .peer1 { stroke: #f0883e; fill: #f0883e; }
    .peer2 { stroke: #ab7df8; fill: #ab7df8; } .peer3 { stroke: #3fb950; fill: #3fb950; }
  }
"""


def steps(top):
    """Round numbers from 0 to at least `top`, four to seven of them."""
    size = 1
    while True:
        for step in (size, 2 * size, 2.5 * size, 5 * size):
            if top / step <= 6:
                count = int(-(-top // step))
                return [step * number for number in range(count + 1)]
        size *= 10


def render(data):
    """The drawing, or None when the sizes were not measured."""
    results = Results(data)
    programs = ["transload", *[peer["name"] for peer in results.peers]]
    series = []
    for program in programs:
        points = []
        for image in SIZES:
            key = f"{program}, {images.tag_of(image)}"
            found = results.find("sizes", key)
            if found and "wall" in found:
                points.append((found["input_bytes"] / 1e9, results.wall("sizes", key), found["peak_bytes"] / MB))
        if points:
            series.append((program, points))
    if not series:
        return None
    title = "docker-archive to oci-archive, gzip"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="title">',
        f'<title id="title">{title}: wall time and peak memory against the size of the image</title>',
        f"<style>{STYLE}</style>",
        f'<rect class="card" width="{WIDTH}" height="{HEIGHT}" rx="8"/>',
        f'<text class="text title" x="{LEFT}" y="28">{title}</text>',
        *legend(series),
        *diagram(LEFT, "wall time, seconds", [(name, [(x, wall) for x, wall, _ in points]) for name, points in series]),
        *diagram(
            LEFT + WIDE + APART,
            "peak memory, MB",
            [(name, [(x, peak) for x, _, peak in points]) for name, points in series],
        ),
        "</svg>\n",
    ]
    return "\n".join(parts)


def legend(series):
    x = LEFT
    for (name, _), colour in zip(series, COLOURS):
        yield f'<line class="line {colour}" x1="{x}" y1="46" x2="{x + 22}" y2="46"/>'
        yield f'<circle class="{colour}" cx="{x + 11}" cy="46" r="3.5"/>'
        yield f'<text class="text" x="{x + 29}" y="50.5">{escape(name)}</text>'
        x += 60 + 8 * len(name)


def diagram(left, label, series):
    xs = steps(max(x for _, points in series for x, _ in points))
    ys = steps(max(y for _, points in series for _, y in points))

    def place(x, y):
        return left + WIDE * x / xs[-1], TOP + HIGH * (1 - y / ys[-1])

    for value in ys:
        _, y = place(0, value)
        yield f'<line class="grid" x1="{left}" y1="{y:.1f}" x2="{left + WIDE}" y2="{y:.1f}"/>'
        yield f'<text class="soft" x="{left - 8}" y="{y + 4.5:.1f}" text-anchor="end">{value:g}</text>'
    for value in xs:
        x, _ = place(value, 0)
        yield f'<line class="axis" x1="{x:.1f}" y1="{TOP + HIGH}" x2="{x:.1f}" y2="{TOP + HIGH + 5}"/>'
        yield f'<text class="soft" x="{x:.1f}" y="{TOP + HIGH + 20}" text-anchor="middle">{value:g}</text>'
    yield f'<line class="axis" x1="{left}" y1="{TOP + HIGH}" x2="{left + WIDE}" y2="{TOP + HIGH}"/>'
    middle = left + WIDE / 2
    yield f'<text class="text" x="{middle}" y="{TOP + HIGH + 42}" text-anchor="middle">size of the image, GB</text>'
    up = TOP + HIGH / 2
    yield f'<text class="text" transform="translate({left - 44} {up}) rotate(-90)" text-anchor="middle">{label}</text>'
    for (_, points), colour in zip(series, COLOURS):
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in points))
        yield f'<polyline class="line {colour}" points="{path}"/>'
        for point in points:
            x, y = place(*point)
            yield f'<circle class="{colour}" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>'
