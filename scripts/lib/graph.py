"""Reads the dependency graph from cargo.

usage: graph.py combinations   one line `PACKAGE [FEATURE]` per feature combination of the library crates
       graph.py limits         fail unless the graph keeps to the limits below
"""

import json
import pathlib
import re
import subprocess
import sys

CORE_LIMIT = 60
NOT_IN_CORE = {"hyper", "libsqlite3-sys", "ort", "reqwest", "tantivy"}
NOT_IN_GRAPH = {"ring"}
NOT_IN_LOCK = {"rusqlite", "sqlx-sqlite"}


def cargo(*arguments):
    return subprocess.run(["cargo", *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout


def combinations():
    """Returns each library crate bare, then with each of its features alone."""
    metadata = json.loads(cargo("metadata", "--locked", "--no-deps", "--format-version", "1"))
    for package in metadata["packages"]:
        has_library = any("lib" in target["kind"] for target in package["targets"])
        if has_library and package["features"]:
            yield package["name"]
            for feature in sorted(package["features"]):
                yield f"{package['name']} {feature}"


def tree(*arguments):
    """Returns the `name version` pairs of a dependency tree."""
    lines = cargo("tree", "--locked", "--prefix", "none", *arguments).splitlines()
    return {tuple(line.split()[:2]) for line in lines if line and not line.startswith("[")}


def violations():
    """Returns one sentence for each limit that the graph breaks."""
    core = tree("--package", "autocrm-core", "--edges", "normal")
    print(f"autocrm-core: {len(core)} crates in its default tree (limit: fewer than {CORE_LIMIT})")
    if len(core) >= CORE_LIMIT:
        yield f"the default tree of autocrm-core has {len(core)} crates, the limit is {CORE_LIMIT - 1}"
    for name in sorted({name for name, _ in core} & NOT_IN_CORE):
        yield f"autocrm-core pulls in {name} by default"

    everything = tree("--workspace", "--all-features", "--target", "all")
    for name in sorted({name for name, _ in everything} & NOT_IN_GRAPH):
        yield f"{name} is in the graph: `cargo tree --workspace --all-features --target all -i {name}` shows why"

    locked = set(re.findall(r'^name = "(.+)"$', pathlib.Path("Cargo.lock").read_text(), re.MULTILINE))
    for name in sorted(locked & NOT_IN_LOCK):
        yield f"Cargo.lock holds {name}"


if __name__ == "__main__":
    if sys.argv[1:] == ["combinations"]:
        print("\n".join(combinations()))
    elif sys.argv[1:] == ["limits"]:
        sys.exit("\n".join(violations()) or None)
    else:
        sys.exit(__doc__)
