#!/usr/bin/env python3
"""Prints the licences of everything that a released program contains, as they ask for.

  packaging/notices.py server|bridge [FEATURES]

FEATURES are those that the program is built with, by comma. packaging/build.sh puts what this prints beside
each program, and so it comes into everything that is packed. The same commit gives the same bytes.

Needs the sources of the crates (`cargo fetch`) and of the interface (`npm ci` in assets/web).
A licence that nobody has allowed (packaging/deny.toml) ends it: look at it, then decide.
"""

import re
import sys
import tomllib
from collections import defaultdict

import dependencies

# What crates may be under, and what the interface and SQLite are under besides.
DENY = tomllib.loads((dependencies.ROOT / "packaging/deny.toml").read_text())
ALLOWED = {*DENY["licenses"]["allow"], "BSD-2-Clause", "ISC", "OFL-1.1", "blessing"}
OFFERED = re.compile(r"^(licen[cs]e|copying|unlicense|notice|copyright)", re.IGNORECASE)
NOT_TEXT = re.compile(r"\.(rs|js|mjs|ts|json|html)$", re.IGNORECASE)
HEADING = "=" * 100


def texts(package: dependencies.Package) -> list[str]:
    """The licence files that a package brings; the one we use where it offers several."""
    if package.kind == "generic":
        return ["The authors disclaim copyright to this source code (https://sqlite.org/copyright)."]
    if not package.folder.is_dir():
        sys.exit(
            f"notices.py: {package.name} {package.version} is not here: run `cargo fetch`, "
            "and `npm ci` in assets/web"
        )
    files = sorted(
        file
        for file in package.folder.iterdir()
        if file.is_file() and OFFERED.match(file.name) and not NOT_TEXT.search(file.name)
    )
    if re.fullmatch(r".*\bMIT\b.*", package.license) and " AND " not in package.license:
        mit = [file for file in files if "mit" in file.name.lower()]
        notice = [file for file in files if file.name.lower().startswith("notice")]
        files = [*mit, *notice] if mit else files
    found = [clean(file.read_text(errors="replace")) for file in files]
    return [text for text in found if text] or [standard(package)]


def clean(text: str) -> str:
    """So that what differs in blanks alone is one text."""
    lines = [line.rstrip() for line in text.replace("\t", "    ").strip("\ufeff\n\r ").splitlines()]
    return "\n".join(lines)


def standard(package: dependencies.Package) -> str:
    """Of a package that names its licence and brings no text: the text, with its authors."""
    if "MIT" in package.license:
        text = (dependencies.ROOT / "LICENSE-MIT").read_text()
        authors = ", ".join(package.authors) or f"the authors of {package.name}"
        return clean(re.sub(r"Copyright .*", f"Copyright (c) {authors}", text, count=1))
    if "Apache-2.0" in package.license:
        return clean((dependencies.ROOT / "LICENSE-APACHE").read_text())
    sys.exit(f"notices.py: {package.name} brings no text of its licence {package.license!r}: add it")


def is_allowed(expression: str) -> bool:
    """Whether one of the alternatives has only licences that we allow."""
    plain = expression.replace("(", "").replace(")", "")
    return any(
        all(part.strip() in ALLOWED for part in choice.split(" AND "))
        for choice in plain.split(" OR ")
    )


def notices(component: str, features: str) -> str:
    program, *packages = dependencies.of(component, features)
    ours = dependencies.ROOT
    by_text: dict[str, list[dependencies.Package]] = defaultdict(list)
    for package in packages:
        is_ours = package.folder and package.folder.is_relative_to(ours) and package.kind == "cargo"
        if not package.linked or is_ours:
            continue
        if not is_allowed(package.license):
            sys.exit(
                f"notices.py: {package.name} {package.version} is under {package.license!r}, "
                "which nobody has allowed yet"
            )
        for text in texts(package):
            by_text[text].append(package)
    parts = [
        f"{program.name} contains software of others. Its authors, and the terms under which they gave it:"
    ]
    for text, users in sorted(by_text.items(), key=lambda entry: (-len(entry[1]), entry[0])):
        names = "\n".join(f"{user.name} {user.version} ({user.license})" for user in users)
        parts.append(f"{HEADING}\n{names}\n{HEADING}\n\n{text}")
    return "\n\n".join(parts) + "\n"


def main() -> None:
    match sys.argv[1:]:
        case [component, *features] if component in dependencies.PROGRAMS and len(features) <= 1:
            print(notices(component, "".join(features)), end="")
        case _:
            print("usage: packaging/notices.py server|bridge [FEATURES]", file=sys.stderr)
            sys.exit(64)


if __name__ == "__main__":
    main()
