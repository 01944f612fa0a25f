"""What a released program is made of: the crates that are linked into it, the npm packages of the
interface that it embeds, and SQLite.

Asked of cargo and of the two lock files, for all three targets together. sbom.py and notices.py use
it; it is no program of its own.
"""

import base64
import json
import re
import subprocess
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WEB = ROOT / "assets/web"
PROGRAMS = {"server": "mission-control", "bridge": "mc-bridge"}
TARGETS = [
    "x86_64-unknown-linux-musl",
    "aarch64-unknown-linux-musl",
    "armv7-unknown-linux-musleabihf",
]
# Packages that are only used to build the interface, and leave code of theirs in it.
LEAVES_CODE = ["tailwindcss"]


@dataclass
class Package:
    """One thing that is in the program, or, when `linked` is false, that made code for it."""

    kind: str  # cargo, npm or generic
    name: str
    version: str
    license: str
    url: str = ""
    digest: tuple[str, str] | None = None  # algorithm, hexadecimal
    folder: Path | None = None  # where its sources lie, when they are here
    authors: list[str] = field(default_factory=list)
    linked: bool = True
    needs: set[str] = field(default_factory=set)

    @property
    def purl(self) -> str:
        name = self.name.replace("@", "%40")
        return f"pkg:{self.kind}/{name}@{self.version.replace('+', '%2B')}"


def version_of(component: str) -> str:
    """The version of a component in its Cargo.toml."""
    manifest = ROOT / ("Cargo.toml" if component == "server" else "bridge/Cargo.toml")
    return tomllib.loads(manifest.read_text())["package"]["version"]


def of(component: str, features: str = "") -> list[Package]:
    """Everything in a component that is built with these features (by comma), the program itself first,
    the rest by kind and name."""
    crates = _crates(PROGRAMS[component], features)
    program = crates.pop(f"pkg:cargo/{PROGRAMS[component]}@{version_of(component)}")
    packages = list(crates.values())
    if component == "server":
        npm, direct = _npm()
        packages += npm
        program.needs |= direct
    packages += _sqlite(packages)
    packages.sort(key=lambda package: (package.kind, package.name, package.version))
    return [program, *packages]


def _cargo(*arguments: str) -> str:
    run = subprocess.run(
        ["cargo", *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False
    )
    if run.returncode:
        raise SystemExit(f"`cargo {arguments[0]}` failed: see above")
    return run.stdout


def _tree(program: str, features: str, target: str, edges: str) -> list[tuple[int, str, str]]:
    """Depth, name and version of every line of `cargo tree`."""
    text = _cargo(
        *("tree", "--locked", "--package", program, "--target", target),
        *("--features", features, "--edges", edges, "--prefix", "depth", "--format", " {p}"),
    )
    lines = [re.match(r"(\d+) (\S+) v(\S+)", line) for line in text.splitlines()]
    return [(int(line[1]), line[2], line[3]) for line in lines if line]


def _crates(program: str, features: str) -> dict[str, Package]:
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]
    sums = {(crate["name"], crate["version"]): crate.get("checksum") for crate in lock}
    found: dict[str, Package] = {}
    platforms = [f"--filter-platform={target}" for target in TARGETS]
    text = _cargo("metadata", "--locked", "--all-features", "--format-version=1", *platforms)
    known = {(crate["name"], crate["version"]): crate for crate in json.loads(text)["packages"]}
    for target in TARGETS:
        path: list[Package] = []
        for depth, name, version in _tree(program, features, target, "normal"):
            crate = known[name, version]
            package = Package(
                kind="cargo",
                name=name,
                version=version,
                # An older way to write it.
                license=(crate["license"] or "").replace("/", " OR "),
                url=crate["repository"] or "",
                digest=("SHA-256", sums[name, version]) if sums[name, version] else None,
                folder=Path(crate["manifest_path"]).parent,
                authors=crate["authors"],
                linked=False,
            )
            package = found.setdefault(package.purl, package)
            del path[depth:]
            if path:
                path[-1].needs.add(package.purl)
            path.append(package)
        for _, name, version in _tree(program, features, target, "normal,no-proc-macro"):
            found[f"pkg:cargo/{name}@{version.replace('+', '%2B')}"].linked = True
    return found


def _npm() -> tuple[list[Package], set[str]]:
    """The packages of the interface, and which of them it names itself."""
    lock = json.loads((WEB / "package-lock.json").read_text())["packages"]
    found: dict[str, Package] = {}

    def place(name: str, near: str) -> str | None:
        # As Node.js looks for it: the nearest folder above.
        while True:
            here = f"{near}/node_modules/{name}".lstrip("/")
            if here in lock:
                return here
            if not near:
                return None
            near = near.rpartition("/node_modules/")[0] if "/node_modules/" in near else ""

    def add(path: str) -> str:
        entry = lock[path]
        name = path.rpartition("node_modules/")[2]
        package = Package(
            kind="npm",
            name=name,
            version=entry["version"],
            license=entry.get("license", ""),
            digest=_integrity(entry["integrity"]),
            folder=WEB / path,
        )
        if package.purl not in found:
            found[package.purl] = package
            optional = {
                peer
                for peer, meta in entry.get("peerDependenciesMeta", {}).items()
                if meta.get("optional")
            }
            needs = {**entry.get("peerDependencies", {}), **entry.get("dependencies", {})}
            for need in needs:
                where = place(need, path)
                if where and need not in optional:
                    package.needs.add(add(where))
        return package.purl

    named = [*lock[""]["dependencies"], *LEAVES_CODE]
    direct = {add(f"node_modules/{name}") for name in named}
    return [*found.values()], direct


def _integrity(text: str) -> tuple[str, str]:
    algorithm, _, digest = text.partition("-")
    return algorithm.upper().replace("SHA", "SHA-"), base64.b64decode(digest).hex()


def _sqlite(packages: list[Package]) -> list[Package]:
    """SQLite, which is inside a crate and not seen by who looks up crates."""
    for crate in packages:
        if crate.name == "libsqlite3-sys":
            header = (crate.folder / "sqlite3/sqlite3.h").read_text()
            version = re.search(r'#define SQLITE_VERSION +"([\d.]+)"', header)[1]
            sqlite = Package("generic", "sqlite", version, "blessing", "https://sqlite.org")
            crate.needs.add(sqlite.purl)
            return [sqlite]
    return []
