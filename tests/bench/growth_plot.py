"""How cost grows, as a picture: SVG from the tables of `scale` and `policy`; used by report.py."""
from math import log10

# (title, benchmark, column of the size, column of the cost)
PANELS = [
    ("a path decision, p50 ns, by rules", "policy", "rules", "step+decide p50"),
    ("a name's decision, p50 ns, by hosts", "policy", "host rules", "decision p50 ns"),
    ("find, cold, us per file, by files", "scale", "files in the workspace", "us per file"),
    ("server, MB, by files", "scale", "files in the workspace", "server MB"),
    ("verify, s, by records", "scale", "records in the log", "verify, s"),
    ("show the last run, s, by records", "scale", "records in the log", "show, the last run, s"),
    ("connect, p50 us, by open connections", "scale", "connections open", "connect of one more, p50 us"),
    ("start, ms per run, by runs at once", "scale", "runs at once", "ms per run"),
]
WIDTH, HEIGHT, LEFT, TOP, ACROSS = 330, 190, 54, 34, 2
DECADES_UP = 3  # of cost: what is proportional to the size is a steep line, what is flat a flat one


def points(results, bench, size, cost):
    for table in results.get(bench, {}).get("tables", []):
        if table["columns"][0] != size or cost not in table["columns"]:
            continue
        at = table["columns"].index(cost)
        rows = [(float(row[0][1]), float(row[at][1])) for row in table["rows"]]
        return [(log10(x), log10(max(y, 1e-3)), y) for x, y in rows]
    return []


def panel(found, title, left, top):
    width, height = WIDTH - LEFT - 40, HEIGHT - TOP - 36
    first, last = found[0][0], found[-1][0]
    middle = (min(y for _, y, _ in found) + max(y for _, y, _ in found)) / 2
    decades = max(DECADES_UP, max(y for _, y, _ in found) - min(y for _, y, _ in found) + 1)
    def place(x, y):
        return (left + LEFT + (x - first) / ((last - first) or 1) * width,
                top + TOP + height * (0.5 - (y - middle) / decades))
    yield f'<text x="{left + LEFT}" y="{top + 18}" class="title">{title}</text>'
    yield (f'<rect x="{left + LEFT}" y="{top + TOP}" width="{width}" height="{height}" class="frame"/>')
    places = [place(x, y) for x, y, _ in found]
    yield '<polyline class="line" points="' + " ".join(f"{x:.1f},{y:.1f}" for x, y in places) + '"/>'
    for (x, y), (size, _, cost) in zip(places, found):
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3"/>'
        yield f'<text x="{x:.1f}" y="{y - 8:.1f}" class="value">{cost:g}</text>'
        yield f'<text x="{x:.1f}" y="{top + TOP + height + 16}" class="value">{10 ** size:,.0f}</text>'


def svg(results):
    """The picture, or None when nothing of it was measured."""
    shapes, count = [], 0
    for title, bench, size, cost in PANELS:
        found = points(results, bench, size, cost)
        if len(found) < 2:
            continue
        shapes += panel(found, title, count % ACROSS * WIDTH, count // ACROSS * HEIGHT)
        count += 1
    if count == 0:
        return None
    height = (count + ACROSS - 1) // ACROSS * HEIGHT
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {ACROSS * WIDTH} {height}" '
        f'width="{ACROSS * WIDTH}" height="{height}" role="img" aria-label="How cost grows">',
        "<style>text{font:11px sans-serif;fill:#222}.title{font-weight:bold}.value{text-anchor:middle;"
        "font-size:10px}.frame{fill:#fff;stroke:#bbb}.line{fill:none;stroke:#1a6;stroke-width:2}"
        "circle{fill:#1a6}</style>",
        f'<rect width="{ACROSS * WIDTH}" height="{height}" fill="#fff"/>', *shapes, "</svg>", ""])
