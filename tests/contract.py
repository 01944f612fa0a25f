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


def main() -> int:
    with tempfile.TemporaryDirectory() as data_dir:
        port = free_port()
        base = f"http://127.0.0.1:{port}"
        environment = os.environ | {
            "MC_DATA_DIR": data_dir, "MC_LISTEN": f"127.0.0.1:{port}", "MC_REQUEST_BUDGET": "0",
            "MC_SIGNIN_LIMIT": "0", "MC_DURABILITY": "normal", "MC_LOG": "warn",
        }
        server = subprocess.Popen([SERVER], env=environment)
        try:
            wait_until_ready(base, server)
            key = administrator_key(base, data_dir)
            # The stream does not end, so it has tests of its own; and the prober keeps its key.
            probed = subprocess.run([
                sys.argv[1], "run", f"{base}/api/v1/openapi.json",
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
