"""Reads the compose files as Docker Compose does, and prints what a test asks of them.

    compose.py ENVIRONMENT SERVICE FILE...     the variables of a service as -e NAME=VALUE words, one a line
    compose.py COMMAND SERVICE FILE...         its command, one word a line
    compose.py CONTENT CONFIG FILE...          the text of an inline config
    compose.py SOUND FILE...                   nothing, or what is wrong: volumes, networks, secrets and files that are not there

Variables come from the environment; `${NAME:?text}` without one is an error.
"""

import os
import re
import sys
from pathlib import Path

import yaml


def interpolated(text: str) -> str:
    def value(match: re.Match) -> str:
        name, kind, rest = match["name"], match["kind"], match["rest"]
        found = os.environ.get(name, "")
        if found or kind is None:
            return found
        if kind == ":?":
            raise SystemExit(f"{name}: {rest}")
        return rest

    return re.sub(r"\$\{(?P<name>\w+)(?:(?P<kind>:-|:\?)(?P<rest>[^}]*))?\}", value, text)


def filled(node):
    if isinstance(node, dict):
        return {key: filled(value) for key, value in node.items()}
    if isinstance(node, list):
        return [filled(value) for value in node]
    return interpolated(node) if isinstance(node, str) else node


def merged(base, over):
    if isinstance(base, dict) and isinstance(over, dict):
        return {key: merged(base[key], over[key]) if key in base and key in over else base.get(key, over.get(key))
                for key in {**base, **over}}
    if isinstance(base, list) and isinstance(over, list):
        return base + over
    return over


def problems(project, folder):
    services = project["services"]
    for name, service in services.items():
        if "image" not in service:
            yield f"{name} has no image"
        for other in service.get("depends_on", {}):
            if other not in services:
                yield f"{name} waits for {other}, which is not there"
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("./"):
                # What its reader makes by the words at the top of the file is not in the repository.
                if source[2:] not in ("comms-bridge.yaml",) and not (folder / source).is_file():
                    yield f"{name} mounts {source}, which is not there"
            elif source not in project.get("volumes", {}):
                yield f"{name} mounts the volume {source}, which is not declared"
        for kind in ("networks", "secrets", "configs"):
            for used in service.get(kind, []):
                used = used["source"] if isinstance(used, dict) else used
                if used not in project.get(kind, {}):
                    yield f"{name} uses {used} of {kind}, which is not declared"


what, *rest = sys.argv[1:]
name, files = ("", rest) if what == "SOUND" else (rest[0], rest[1:])
project = {}
for file in files:
    project = merged(project, filled(yaml.safe_load(open(file))))
match what:
    case "ENVIRONMENT":
        for key, value in project["services"][name]["environment"].items():
            print("-e", f"{key}={value}", sep="\n")
    case "COMMAND":
        print(*project["services"][name]["command"], sep="\n")
    case "CONTENT":
        print(project["configs"][name]["content"])
    case "SOUND":
        wrong = list(problems(project, Path(files[0]).parent))
        print(*wrong, sep="\n")
        sys.exit(bool(wrong))
