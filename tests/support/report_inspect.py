"""report_inspect.py REPORT: nothing in the page but elements and attributes of ours, its policy allows its
own style and script alone, and no character in it acts. Prints what is otherwise; exit 1 then."""
import base64, hashlib, html.parser, json, re, sys

ELEMENTS = set("""html head meta title style body header p h1 h2 h3 code div strong b i nav ul li a main section dl dt dd
svg g rect table thead tbody tr th td span br input button details summary pre footer script""".split()) | {"title"}
ATTRIBUTES = set("""charset http-equiv content name lang class id href role aria-label aria-pressed data-outcomes data-name
viewbox preserveaspectratio x y width height rx type placeholder tabindex""".split())
text = open(sys.argv[1], encoding="utf-8").read()
problems = []


class Inspector(html.parser.HTMLParser):
    script = None
    style = False
    sources = []

    def handle_starttag(self, tag, attributes):
        if tag not in ELEMENTS:
            problems.append(f"element {tag}")
        for name, value in attributes:
            if name not in ATTRIBUTES:
                problems.append(f"attribute {name} of {tag}")
            if name == "href" and not value.startswith("#"):
                problems.append(f"link {value}")
        self.script = dict(attributes) if tag == "script" else None
        self.style = tag == "style"

    def handle_endtag(self, tag):
        self.script = None
        self.style = False

    def handle_data(self, data):
        if self.style:
            self.sources.append(("style-src", data))
        elif self.script is not None and self.script.get("type") == "application/json":
            rows = json.loads(data)
            if len(rows["r"]) % 8:
                problems.append("torn rows")
        elif self.script is not None:
            self.sources.append(("script-src", data))


inspector = Inspector()
inspector.feed(text)
policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text).group(1)
if not policy.startswith("default-src 'none'") or "unsafe" in policy or "*" in policy:
    problems.append("policy " + policy)
for directive, source in inspector.sources:
    digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
    if f"{directive} 'sha256-{digest}'" not in policy:
        problems.append(f"{directive} does not allow its own source")
if len(inspector.sources) != 2:
    problems.append("not one style and one script")
if re.search(r"https?://|//[a-z]|url\(|@import|\bsrc=", text.replace("src=x onerror", "")):
    problems.append("refers to something outside: " + re.search(r".{20}(https?://|url\(|@import|\bsrc=).{20}", text).group(0))
for character in text:
    code = ord(character)
    if (code < 32 and character != "\n") or 0x7F <= code <= 0x9F or 0x200B <= code <= 0x200F \
            or 0x2028 <= code <= 0x202E or 0x2066 <= code <= 0x2069:
        problems.append(f"U+{code:04X}")
print("\n".join(sorted(set(problems))))
sys.exit(bool(problems))
