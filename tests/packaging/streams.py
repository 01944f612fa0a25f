"""Listens and writes while a server is replaced; for tests/packaging/deploy.

  streams.py BASE ORG KEY COUNT        writes until a line comes in, then says what was heard

COUNT clients follow the events as a browser does: they come back after the time that the server names,
with the last id that they have seen. One writer posts numbered messages, each again under its key until it is
acknowledged. Every client must hear every message once and in order.
"""

import http.client
import json
import sys
import threading
import time
from urllib.parse import urlsplit


class Hub:
    def __init__(self, base: str, org: str, key: str) -> None:
        self.address = urlsplit(base).netloc
        self.org = f"/api/v1/orgs/{org}"
        self.headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}

    def ask(self, method: str, path: str, body: dict | None = None, **headers: str):
        connection = http.client.HTTPConnection(self.address, timeout=30)
        try:
            text = json.dumps(body) if body is not None else None
            connection.request(method, self.org + path, text, self.headers | headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"null")
        finally:
            connection.close()


class Client(threading.Thread):
    def __init__(self, hub: Hub) -> None:
        super().__init__(daemon=True)
        self.hub = hub
        self.heard: list[int] = []
        self.gaps: list[float] = []
        self.ready = threading.Event()
        self.last = None
        self.retry = 1.0

    def run(self) -> None:
        gone = None
        while True:
            try:
                self.follow(gone)
            except (OSError, http.client.HTTPException):
                pass
            if gone is None or self.connected:
                gone = time.monotonic()
            time.sleep(self.retry)

    def follow(self, gone: float | None) -> None:
        self.connected = False
        connection = http.client.HTTPConnection(self.hub.address, timeout=90)
        headers = dict(self.hub.headers)
        if self.last:
            headers["last-event-id"] = self.last
        connection.request("GET", self.hub.org + "/events/stream", headers=headers)
        answer = connection.getresponse()
        if answer.status != 200:
            connection.close()
            return
        self.connected = True
        if gone is not None:
            self.gaps.append(time.monotonic() - gone)
        while line := answer.readline():
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name == "id":
                self.last = value
                self.ready.set()
            elif name == "retry":
                self.retry = int(value) / 1000
            elif name == "data":
                event = json.loads(value)
                if event.get("type") == "message.created":
                    self.heard.append(int(event["payload"]["message"]["content"]))


def main() -> None:
    base, org, key, count = sys.argv[1:]
    hub = Hub(base, org, key)
    _, channels = hub.ask("GET", "/channels")
    channel = channels["data"][0]["id"]
    clients = [Client(hub) for _ in range(int(count))]
    for client in clients:
        client.start()
    for client in clients:
        if not client.ready.wait(60):
            sys.exit("a stream did not open")
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.readline(), ended.set()), daemon=True).start()
    print("listening", flush=True)

    written, longest, run = 0, 0.0, time.time_ns()
    while not ended.is_set():
        began = time.monotonic()
        while True:
            try:
                status, _ = hub.ask(
                    "POST",
                    f"/channels/{channel}/messages",
                    {"content": str(written)},
                    **{"idempotency-key": f"{run}-{written}"},
                )
            except (OSError, http.client.HTTPException, ValueError):
                status = 503
            if status in (200, 201):
                break
            if status not in (429, 502, 503):
                sys.exit(f"a message was refused: {status}")
            time.sleep(0.05)
        longest = max(longest, time.monotonic() - began)
        written += 1
        time.sleep(0.05)

    deadline = time.monotonic() + 60
    while any(len(client.heard) < written for client in clients) and time.monotonic() < deadline:
        time.sleep(0.05)
    wrong = sum(client.heard != list(range(written)) for client in clients)
    gaps = [gap for client in clients for gap in client.gaps]
    print(
        json.dumps(
            {
                "written": written,
                "clients": len(clients),
                "wrong": wrong,
                "cuts": len(gaps),
                "longest_gap": round(max(gaps, default=0), 2),
                "longest_write": round(longest, 2),
            }
        )
    )


if __name__ == "__main__":
    main()
