#!/usr/bin/env python3
"""The JSON Schema and the loader agree on one corpus.

Every good policy passes both. Every bad policy is refused by the schema as well, but for those in
tests/policies/semantic.txt, whose mistake no schema can express. The shipped file is what the
program prints.
"""
import json
import os
import pathlib
import subprocess
import sys

try:
    import jsonschema
    import yaml
except ImportError as missing:
    print(f"skipped: python3 has no {missing.name}")
    sys.exit(77)

source = pathlib.Path(os.environ.get("FAILCORE_SOURCE_DIR", "."))
build = pathlib.Path(os.environ.get("FAILCORE_BUILD_DIR", source / "build/dev"))
failures = 0


def complain(text):
    global failures
    failures += 1
    print(text)


printed = subprocess.run(
    [build / "bin/failcore", "policy", "schema"], check=True, capture_output=True, text=True
).stdout
shipped = source / "policies/failcore-policy-1.schema.json"
if not shipped.exists() or shipped.read_text() != printed:
    complain(f"{shipped} is not what `failcore policy schema` prints")
schema = json.loads(printed)
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)


def accepts(path):
    try:
        return validator.is_valid(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, UnicodeDecodeError, ValueError):
        return False


good = sorted((source / "policies").glob("*.yaml")) + sorted((source / "tests/policies/good").iterdir())
for path in good:
    if not accepts(path):
        complain(f"{path.name}: the loader accepts it and the schema does not")
semantic = set((source / "tests/policies/semantic.txt").read_text().split())
bad = sorted((source / "tests/policies/bad").glob("*.yaml"))
for path in bad:
    if accepts(path) != (path.stem in semantic):
        complain(
            f"{path.name}: the schema "
            + ("accepts it, and it is not in semantic.txt" if accepts(path) else "refuses it: take it out of semantic.txt")
        )
print(f"{len(good)} good, {len(bad)} bad ({len(semantic)} beyond a schema), {failures} disagreements")
sys.exit(1 if failures else 0)
