"""A release host on 127.0.0.1:8000, and the ways in which one fails.

    host.py FOLDER

    /PATH         FOLDER/PATH
    /half/PATH    the connection ends in the middle of an archive
    /wrong/PATH   one bit of an archive is another one
    /broken/PATH  500
    /slow/PATH    an archive begins and never goes on; FOLDER/slow is made when it has begun
"""

import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

FOLDER = Path(sys.argv[1])


class Host(BaseHTTPRequestHandler):
    def do_GET(self):
        path = self.path.lstrip("/")
        way, _, rest = path.partition("/")
        if way not in ("half", "wrong", "slow", "broken"):
            way, rest = "", path
        file = FOLDER / rest
        if not file.is_file():
            self.send_error(404)
            return
        if way == "broken":
            self.send_error(500)
            return
        body = file.read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if way and rest.endswith(".tar.gz"):
            if way == "wrong":
                body = body[:-9] + bytes([body[-9] ^ 1]) + body[-8:]
            else:
                body = body[: len(body) // 2]
        self.wfile.write(body)
        self.wfile.flush()
        if way == "slow" and rest.endswith(".tar.gz"):
            (FOLDER / "slow").touch()
            time.sleep(600)

    def handle(self):
        try:
            super().handle()
        except ConnectionError:
            pass  # whoever asked has gone away

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", 8000), Host).serve_forever()
