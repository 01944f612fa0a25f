"""Runs a program inside an image's tree the way a container engine does.

    in_image.py INSPECTED ROOT [-e NAME=VALUE ...] [COMMAND ...]
    in_image.py INSPECTED ROOT --healthcheck

INSPECTED is what `buildah inspect --type image` says. The entry point with COMMAND (or the image's own) gets the
image's environment, folder and user, no groups and no way to more rights; it takes this process's place.
"""

import ctypes
import json
import os
import sys

inspected, root, *words = sys.argv[1:]
config = json.load(open(inspected))["Docker"]["config"]
environment = dict(line.split("=", 1) for line in config.get("Env") or [])
while words[:1] == ["-e"]:
    name, value = words[1].split("=", 1)
    environment[name] = value
    words = words[2:]
if words == ["--healthcheck"]:
    kind, *command = config["Healthcheck"]["Test"]
    assert kind == "CMD", "there is no shell in the image"
else:
    command = config["Entrypoint"] + (words or config["Cmd"])

user, group = (int(number) for number in config["User"].split(":"))
os.chroot(root)
os.chdir(config["WorkingDir"])
os.setgroups([])
os.setresgid(group, group, group)
os.setresuid(user, user, user)
PR_SET_NO_NEW_PRIVS = 38
assert ctypes.CDLL(None).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
os.execve(command[0], command, environment)
