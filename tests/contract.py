"""Starts the server, sets it up, and lets schemathesis loose on it with an administrator's key."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

SERVER = os.environ.get("MC_SERVER_BIN", "target/debug/mission-control")
EXAMPLES = os.environ.get("MC_CONTRACT_EXAMPLES", "25")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def call(method: str, url: str, body=None, key: str | None = None, cookies: str | None = None, csrf: str | None = None):
    headers = {"content-type": "application/json"}
    if key:
        headers["authorization"] = f"Bearer {key}"
    if cookies:
        headers |= {"cookie": cookies, "x-csrf-token": csrf}
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data=data, headers=headers, method=method)
    with urllib.request.urlopen(request) as answer:
        return answer.headers, json.loads(answer.read() or b"null")


def wait_until_ready(base: str, server: subprocess.Popen) -> None:
    for _ in range(200):
        if server.poll() is not None:
            sys.exit(f"the server ended with {server.returncode}")
        try:
            call("GET", f"{base}/ready")
            return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.05)
    sys.exit("the server did not become ready")


def administrator_key(base: str, data_dir: str) -> str:
    with open(os.path.join(data_dir, "setup-token")) as file:
        token = file.read().strip()
    headers, _ = call("POST", f"{base}/api/v1/auth/setup", {
        "token": token, "org_name": "Acme", "org_slug": "acme", "email": "ada@example.org",
        "display_name": "Ada", "password": "correct horse battery",
    })
    pairs = [cookie.split(";")[0] for cookie in headers.get_all("set-cookie")]
    csrf = next(pair.split("=", 1)[1] for pair in pairs if pair.startswith("mc_csrf="))
    _, made = call("POST", f"{base}/api/v1/orgs/acme/users", {
        "type": "agent", "identifier": "prober", "display_name": "Prober", "role": "administrator",
    }, cookies="; ".join(pairs), csrf=csrf)
    return made["api_key"]


def world(base: str, key: str) -> dict[str, str]:
    """One thing of each noun: noun in the path -> id."""
    org = f"{base}/api/v1/orgs/acme"

    def make(path: str, body: dict) -> dict:
        return call("POST", f"{org}{path}", body, key)[1]

    project = make("/projects", {"name": "Probed", "type": "software"})
    task, other = make("/tasks", {"title": "Probed"}), make("/tasks", {"title": "Blocker"})
    make(f"/tasks/{task['id']}/dependencies", {"blocked_by_id": other["id"]})
    task = make(f"/tasks/{task['id']}/evidence", {"type": "pr_link", "url": "https://example.org/1"})
    message = make(f"/channels/{project['channel_id']}/messages", {"content": "Probed"})
    agent = make("/users", {"type": "agent", "identifier": "spare", "display_name": "S", "role": "contributor"})
    make("/users", {"type": "human", "email": "asked@example.org", "display_name": "Asked", "role": "contributor"})
    invitations = call("GET", f"{org}/invitations", key=key)[1]["data"]
    return {
        "projects": project["id"], "tasks": task["id"], "dependencies": other["id"], "evidence": task["evidence"][0]["id"],
        "channels": project["channel_id"], "messages": message["id"], "users": agent["user"]["id"],
        "members": agent["user"]["id"], "invitations": invitations[0]["id"],
    }


def with_known_ids(document: dict, ids: dict[str, str]) -> dict:
    """The document, its paths reaching things that exist most of the time."""
    nobody = "01900000-0000-7000-8000-000000000000"
    for path, item in document["paths"].items():
        parts = path.split("/")
        for operation in item.values():
            for parameter in operation.get("parameters", []):
                if parameter["in"] != "path":
                    continue
                noun = parts[parts.index("{%s}" % parameter["name"]) - 1]
                known = "acme" if parameter["name"] == "slug" else ids.get(noun)
                if known:
                    parameter["schema"] = {"type": "string", "enum": [known, "nobody" if noun == "orgs" else nobody]}
    return document


def main() -> int:
    with tempfile.TemporaryDirectory() as data_dir:
        port = free_port()
        base = f"http://127.0.0.1:{port}"
        environment = os.environ | {
            "MC_DATA_DIR": data_dir, "MC_LISTEN": f"127.0.0.1:{port}", "MC_REQUEST_BUDGET": "0",
            "MC_SIGNIN_LIMIT": "0", "MC_DURABILITY": "normal", "MC_LOG": "error",
        }
        server = subprocess.Popen([SERVER], env=environment)
        try:
            wait_until_ready(base, server)
            key = administrator_key(base, data_dir)
            # The stream does not end, so it has tests of its own; and the prober keeps its key.
            _, document = call("GET", f"{base}/api/v1/openapi.json")
            described = os.path.join(data_dir, "described.json")
            with open(described, "w") as file:
                json.dump(with_known_ids(document, world(base, key)), file)
            probed = subprocess.run([
                sys.argv[1], "run", described, "--url", base,
                "--header", f"Authorization: Bearer {key}",
                "--checks", "not_a_server_error,status_code_conformance,content_type_conformance,"
                            "response_schema_conformance",
                "--exclude-path", "/api/v1/orgs/{slug}/events/stream",
                "--exclude-path", "/metrics",
                "--exclude-path-regex", "api-keys",
                "--max-examples", EXAMPLES, "--generation-deterministic", "--suppress-health-check", "all",
                "--phases", "examples,coverage,fuzzing", "--max-time", "240",
                "--request-timeout", "20", "--no-color",
            ]).returncode
            if server.poll() is not None:
                sys.exit(f"the server ended with {server.returncode}")
            wait_until_ready(base, server)
            return probed
        finally:
            server.terminate()
            server.wait(timeout=20)


if __name__ == "__main__":
    sys.exit(main())
