#!/usr/bin/env node
// Deterministic stand-in for an OpenAI-compatible model server (no dependencies; node >= 18).
//   node mock-model.mjs [--port 18080] [--host 127.0.0.1] [--log FILE]
// Serves POST /v1/chat/completions (stream or not), POST /v1/responses (stream or not),
// GET /v1/models, GET /__health, GET /__requests (recorded requests), POST /__reset.
//
// Reply rule: the LAST user message decides, and in it the directive that stands last (what is told
// before it is context):
//   SLOW:<chunks>[:<ms>]   stream <chunks> numbered chunks, one each <ms> (default 250)
//   HANG                   send one chunk, then never finish (until the client disconnects)
//   FAIL:<status>          answer with that HTTP status and an OpenAI-style error body
//   SAY:<text>             reply with exactly <text> (to the end of the line)
//   PARAGRAPHS:<n>         reply with <n> numbered paragraphs of 200 characters
//   WHICHMODEL             reply "MODEL: <model id in the request>"
//   ECHOCTX                reply "CTX: <n> messages | <role>:<first 120 chars> | ..." (last 6)
//   TOOL:<name> <json>     call that tool with those arguments; once a tool result is in the
//                          conversation after that user message, reply "MOCK-TOOL-DONE: <result>"
//   otherwise              "MOCK-REPLY: <last user text>"
// Beware: FAIL:401 makes the gateway block the provider for about a minute (also for other
// sessions), and it retries 429 and 5xx for 70 s or more; FAIL:400 fails at once and has no after-effect.
// A compaction request is recognised by its system prompt and gets a fixed MOCK-SUMMARY.
import http from "node:http";
import fs from "node:fs";

const arg = (name, def) => {
  const i = process.argv.indexOf(`--${name}`);
  return i > 0 ? process.argv[i + 1] : def;
};
const PORT = Number(arg("port", process.env.MOCK_MODEL_PORT ?? 18080));
const HOST = arg("host", "127.0.0.1");
const LOG = arg("log", process.env.MOCK_MODEL_LOG ?? "");
let requests = [];
let seq = 0;
const sleep = (ms) => new Promise((r) => setTimeout(r, ms));

const textOf = (content) => {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content
    .map((p) => (typeof p === "string" ? p : (p.text ?? "")))
    .filter(Boolean)
    .join("\n");
};

// Both APIs are reduced to [{role, text, kind}] in order.
function normalise(body) {
  if (Array.isArray(body.messages)) {
    return body.messages.map((m) => ({ role: m.role, text: textOf(m.content) }));
  }
  const input = body.input;
  if (typeof input === "string") return [{ role: "user", text: input }];
  const out = [];
  if (body.instructions) out.push({ role: "system", text: body.instructions });
  for (const item of input ?? []) {
    if (item.type === "function_call_output") out.push({ role: "tool", text: textOf(item.output) });
    else if (item.type === "function_call") out.push({ role: "assistant", text: "" });
    else if (item.role) out.push({ role: item.role, text: textOf(item.content) });
  }
  return out;
}

// What the gateway really sends for one user turn (observed with 2026.9.6):
//   user: "[Sun 2026-11-22 10:11 UTC] <text>\n\nRuntime: agent=main | session=... | ..."
//   user: "<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>> ... <<<END_OPENCLAW_INTERNAL_CONTEXT>>>"
// The second one is not the user's; the prefix and the suffix of the first are removed here.
const INTERNAL = /^\s*<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>/;
const clean = (t) =>
  t.replace(/^\[[A-Z][a-z]{2} \d{4}-\d{2}-\d{2} \d{2}:\d{2}(?::\d{2})? [^\]]+\] /, "").replace(/\n\nRuntime: agent=[\s\S]*$/, "");

// From the directive that stands last to the end of the text.
const DIRECTIVE = /SLOW:\d|\bHANG\b|FAIL:\d{3}|SAY:|PARAGRAPHS:\d|WHICHMODEL|ECHOCTX|TOOL:/g;
const lastDirective = (text) => {
  const last = [...text.matchAll(DIRECTIVE)].at(-1);
  return last ? text.slice(last.index) : "";
};

function plan(body) {
  const msgs = normalise(body);
  let u = msgs.length - 1;
  while (u >= 0 && (msgs[u].role !== "user" || INTERNAL.test(msgs[u].text))) u -= 1;
  const user = u >= 0 ? clean(msgs[u].text) : "";
  const after = msgs.slice(u + 1);
  const asked = lastDirective(user);
  let m;
  // Compaction asks a model for a summary: answer with the headings the gateway looks for.
  if (msgs.some((x) => (x.role === "system" || x.role === "developer") && x.text.includes("context summarization assistant"))) {
    const heads = ["Latest user request context", "Decisions", "Open TODOs", "Constraints/Rules", "Pending user asks", "Exact identifiers"];
    return { chunks: [heads.map((h) => `## ${h}\nMOCK-SUMMARY`).join("\n\n")], delay: 0 };
  }
  if ((m = /FAIL:(\d{3})/.exec(asked))) return { fail: Number(m[1]) };
  if ((m = /TOOL:(\S+)\s+(\{[\s\S]*\})/.exec(asked))) {
    const done = after.filter((x) => x.role === "tool");
    if (done.length > 0) return { chunks: [`MOCK-TOOL-DONE: ${done.at(-1).text}`], delay: 0 };
    return { tool: { name: m[1], arguments: m[2] } };
  }
  if ((m = /SLOW:(\d+)(?::(\d+))?/.exec(asked))) {
    const n = Number(m[1]);
    return { chunks: Array.from({ length: n }, (_, i) => `chunk-${i + 1} `), delay: Number(m[2] ?? 250) };
  }
  if (/\bHANG\b/.test(asked)) return { chunks: ["hanging... "], delay: 0, hang: true };
  if ((m = /SAY:([^\n]*)/.exec(asked))) return { chunks: [m[1]], delay: 0 };
  if ((m = /^PARAGRAPHS:(\d+)/.exec(asked))) {
    const words = "the board is green and the tests are quiet again ".repeat(4);
    return { chunks: Array.from({ length: Number(m[1]) }, (_, i) => `${`${i + 1}. ${words}`.slice(0, 200)}\n\n`), delay: 0 };
  }
  if (/WHICHMODEL/.test(asked)) return { chunks: [`MODEL: ${body.model}`], delay: 0 };
  if (/ECHOCTX/.test(asked)) {
    const tail = msgs.slice(-6).map((x) => `${x.role}:${x.text.slice(0, 120).replace(/\s+/g, " ")}`);
    return { chunks: [`CTX: ${msgs.length} messages | ${tail.join(" | ")}`], delay: 0 };
  }
  const text = `MOCK-REPLY: ${user}`;
  const chars = [...text]; // code points: never half an emoji
  const cut = Math.ceil(chars.length / 3);
  return { chunks: [0, cut, 2 * cut].map((i) => chars.slice(i, i + cut).join("")).filter(Boolean), delay: 5 };
}

const usageFor = (body, text) => {
  const p = Math.ceil(JSON.stringify(body.messages ?? body.input ?? "").length / 4);
  const c = Math.max(1, Math.ceil(text.length / 4));
  return { p, c };
};

async function chatCompletions(body, res, gone) {
  const act = plan(body);
  const id = `chatcmpl-mock-${++seq}`;
  const base = { id, object: "chat.completion.chunk", created: Math.floor(Date.now() / 1000), model: body.model };
  if (act.fail) return fail(res, act.fail);
  if (!body.stream) {
    const text = act.tool ? "" : act.chunks.join("");
    const { p, c } = usageFor(body, text);
    const message = act.tool
      ? { role: "assistant", content: null, tool_calls: [{ id: `call_${seq}`, type: "function", function: act.tool }] }
      : { role: "assistant", content: text };
    return json(res, 200, {
      ...base,
      object: "chat.completion",
      choices: [{ index: 0, message, finish_reason: act.tool ? "tool_calls" : "stop" }],
      usage: { prompt_tokens: p, completion_tokens: c, total_tokens: p + c },
    });
  }
  sse(res);
  const send = (o) => res.write(`data: ${JSON.stringify(o)}\n\n`);
  const delta = (d, fr = null) => send({ ...base, choices: [{ index: 0, delta: d, finish_reason: fr }] });
  delta({ role: "assistant", content: "" });
  let text = "";
  if (act.tool) {
    delta({ tool_calls: [{ index: 0, id: `call_${seq}`, type: "function", function: act.tool }] });
    delta({}, "tool_calls");
  } else {
    for (const ch of act.chunks) {
      if (gone()) return;
      text += ch;
      delta({ content: ch });
      if (act.delay) await sleep(act.delay);
    }
    if (act.hang) return;
    delta({}, "stop");
  }
  const { p, c } = usageFor(body, text);
  send({ ...base, choices: [], usage: { prompt_tokens: p, completion_tokens: c, total_tokens: p + c } });
  res.end("data: [DONE]\n\n");
}

async function responsesApi(body, res, gone) {
  const act = plan(body);
  const id = `resp_mock_${++seq}`;
  if (act.fail) return fail(res, act.fail);
  const full = act.tool ? "" : act.chunks.join("");
  const { p, c } = usageFor(body, full);
  const usage = {
    input_tokens: p, output_tokens: c, total_tokens: p + c,
    input_tokens_details: { cached_tokens: 0 }, output_tokens_details: { reasoning_tokens: 0 },
  };
  const item = act.tool
    ? { type: "function_call", id: `fc_${seq}`, call_id: `call_${seq}`, name: act.tool.name, arguments: act.tool.arguments, status: "completed" }
    : { type: "message", id: `msg_${seq}`, role: "assistant", status: "completed", content: [{ type: "output_text", text: full, annotations: [] }] };
  const resp = (status, output) => ({ id, object: "response", created_at: Math.floor(Date.now() / 1000), model: body.model, status, output, usage: status === "completed" ? usage : null });
  if (!body.stream) return json(res, 200, resp("completed", [item]));
  sse(res);
  let n = 0;
  const send = (type, o) => res.write(`event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: n++, ...o })}\n\n`);
  send("response.created", { response: resp("in_progress", []) });
  const empty = act.tool ? { ...item, arguments: "", status: "in_progress" } : { ...item, status: "in_progress", content: [] };
  send("response.output_item.added", { output_index: 0, item: empty });
  if (act.tool) {
    send("response.function_call_arguments.delta", { item_id: item.id, output_index: 0, delta: act.tool.arguments });
    send("response.function_call_arguments.done", { item_id: item.id, output_index: 0, arguments: act.tool.arguments });
  } else {
    send("response.content_part.added", { item_id: item.id, output_index: 0, content_index: 0, part: { type: "output_text", text: "", annotations: [] } });
    for (const ch of act.chunks) {
      if (gone()) return;
      send("response.output_text.delta", { item_id: item.id, output_index: 0, content_index: 0, delta: ch });
      if (act.delay) await sleep(act.delay);
    }
    if (act.hang) return;
    send("response.output_text.done", { item_id: item.id, output_index: 0, content_index: 0, text: full });
    send("response.content_part.done", { item_id: item.id, output_index: 0, content_index: 0, part: { type: "output_text", text: full, annotations: [] } });
  }
  send("response.output_item.done", { output_index: 0, item });
  send("response.completed", { response: resp("completed", [item]) });
  res.end();
}

function sse(res) {
  res.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache", connection: "keep-alive" });
}
function json(res, code, obj) {
  res.writeHead(code, { "content-type": "application/json" });
  res.end(JSON.stringify(obj));
}
function fail(res, code) {
  json(res, code, { error: { message: `mock failure ${code}`, type: code === 429 ? "rate_limit_error" : "mock_error", code: String(code) } });
}

const server = http.createServer((req, res) => {
  let raw = "";
  req.setEncoding("utf8"); // else a character cut by a chunk border is lost
  let closed = false;
  res.on("close", () => { closed = true; });
  req.on("data", (d) => { raw += d; });
  req.on("end", async () => {
    const url = req.url.split("?")[0];
    try {
      if (req.method === "GET" && url === "/__health") return json(res, 200, { ok: true, requests: requests.length });
      if (req.method === "GET" && url === "/__requests") return json(res, 200, requests);
      if (req.method === "POST" && url === "/__reset") { requests = []; return json(res, 200, { ok: true }); }
      if (req.method === "GET" && url.endsWith("/models")) {
        return json(res, 200, { object: "list", data: ["mock-a", "mock-b"].map((id) => ({ id, object: "model", owned_by: "mock" })) });
      }
      const body = raw ? JSON.parse(raw) : {};
      const rec = { at: Date.now(), path: url, model: body.model, stream: !!body.stream, tools: (body.tools ?? []).map((t) => t.function?.name ?? t.name), messages: normalise(body) };
      requests.push(rec);
      if (requests.length > 500) requests.shift();
      if (LOG) fs.appendFileSync(LOG, `${JSON.stringify(rec)}\n`);
      if (req.method === "POST" && url.endsWith("/chat/completions")) return await chatCompletions(body, res, () => closed);
      if (req.method === "POST" && url.endsWith("/responses")) return await responsesApi(body, res, () => closed);
      return json(res, 404, { error: { message: `no route ${req.method} ${url}` } });
    } catch (e) {
      if (!res.headersSent) json(res, 500, { error: { message: String(e) } });
      else res.end();
    }
  });
});
server.listen(PORT, HOST, () => console.log(`mock model ready on http://${HOST}:${PORT}/v1`));
for (const s of ["SIGTERM", "SIGINT"]) process.on(s, () => { server.closeAllConnections?.(); server.close(() => process.exit(0)); });
