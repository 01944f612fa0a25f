#!/usr/bin/env python3
"""Prints the bill of materials of a component as CycloneDX 1.6 JSON.

  packaging/sbom.py server|bridge [COMMIT]

Times are SOURCE_DATE_EPOCH, or those of the commit; the same commit gives the same bytes.
Crates that only made code (macros) are in it with the scope `excluded`: they are not in the program.
"""

import datetime
import json
import os
import subprocess
import sys
import uuid

import dependencies


def git(*arguments: str) -> str:
    run = subprocess.run(
        ["git", *arguments], cwd=dependencies.ROOT, capture_output=True, text=True, check=False
    )
    if run.returncode:
        raise SystemExit("sbom.py: this is no git checkout: give the commit, and SOURCE_DATE_EPOCH")
    return run.stdout.strip()


def described(package: dependencies.Package, role: str) -> dict:
    one = {
        "type": role,
        "bom-ref": package.purl,
        "name": package.name,
        "version": package.version,
        "scope": "required" if package.linked else "excluded",
        "purl": package.purl,
    }
    if package.digest:
        one["hashes"] = [{"alg": package.digest[0], "content": package.digest[1]}]
    if package.license:
        one["licenses"] = [
            {"expression": package.license}
            if " " in package.license
            else {"license": {"id": package.license}}
        ]
    if package.url:
        one["externalReferences"] = [{"type": "vcs", "url": package.url}]
    return one


def bill(component: str, commit: str, epoch: int) -> dict:
    program, *packages = dependencies.of(component)
    known = {package.purl for package in [program, *packages]}
    of_release = f"https://github.com/mission-control/mission-control/{program.purl}/{commit}"
    time = datetime.datetime.fromtimestamp(epoch, datetime.UTC)
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, of_release)}",
        "version": 1,
        "metadata": {
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "lifecycles": [{"phase": "build"}],
            "component": described(program, "application"),
            "properties": [{"name": "mission-control:commit", "value": commit}],
        },
        "components": [described(package, "library") for package in packages],
        "dependencies": [
            {"ref": package.purl, "dependsOn": sorted(package.needs & known)}
            for package in [program, *packages]
        ],
    }


def main() -> None:
    component, *rest = sys.argv[1:] or [""]
    if component not in dependencies.PROGRAMS or len(rest) > 1:
        print("usage: packaging/sbom.py server|bridge [COMMIT]", file=sys.stderr)
        sys.exit(64)
    commit = rest[0] if rest else git("rev-parse", "HEAD")
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH") or git("log", "-1", "--format=%ct"))
    print(json.dumps(bill(component, commit, epoch), indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
