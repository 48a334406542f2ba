/**
 * Runs a workflow of docs/n8n as n8n does, with the nodes that it has there; waits are short.
 *
 * node n8n.mjs WORKFLOW INPUT SETTINGS – all three are files of JSON. INPUT is the first node's output,
 * `{json, binary?}`, where `binary` is base64. SETTINGS has `token` for the credential, `env`, and `values` that replace
 * those of the node "Settings". Prints the requests that were sent and the last node's output.
 */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [workflow, input, settings] = process.argv.slice(2, 5).map((path) => JSON.parse(readFileSync(path, "utf8")));
const AsyncFunction = (async () => {}).constructor;
const outputs = {};
const requests = [];

/** What an expression of n8n (`={{ … }}`) gives; text around it makes text of it. */
function evaluate(text, item) {
  if (typeof text !== "string" || !text.startsWith("=")) return text;
  const names = {
    $json: item.json, $env: settings.env ?? {}, $execution: { id: "1" }, $: (name) => ({ first: () => outputs[name] }),
  };
  const run = (code) => new Function(...Object.keys(names), `return (${code});`)(...Object.values(names));
  const whole = /^=\{\{((?:(?!\}\}).)*)\}\}$/s.exec(text);
  return whole ? run(whole[1]) : text.slice(1).replace(/\{\{(.*?)\}\}/gs, (_, code) => run(code));
}

const TYPES = {
  "n8n-nodes-base.manualTrigger": () => [input],
  "n8n-nodes-base.webhook": () => [input],
  "n8n-nodes-base.noOp": (_, item) => [item],
  async "n8n-nodes-base.wait"(_, item) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    return [item];
  },
  "n8n-nodes-base.set"({ assignments: { assignments } }, item) {
    const own = assignments.map(({ name, value }) => [name, evaluate(value, item)]);
    return [{ json: { ...Object.fromEntries(own), ...settings.values } }];
  },
  "n8n-nodes-base.if"({ conditions: { conditions: [{ leftValue, rightValue }] } }, item) {
    return evaluate(leftValue, item) === rightValue ? [item, null] : [null, item];
  },
  async "n8n-nodes-base.code"({ jsCode }, item) {
    const that = { helpers: { getBinaryDataBuffer: async () => Buffer.from(item.binary, "base64") } };
    const run = new AsyncFunction("$env", "$input", "require", jsCode);
    const [result] = await run.call(that, settings.env ?? {}, { first: () => item }, createRequire(import.meta.url));
    return [result];
  },
  async "n8n-nodes-base.httpRequest"(parameters, item) {
    const headers = { Authorization: `Bearer ${settings.token}` };
    for (const { name, value } of parameters.headerParameters?.parameters ?? []) headers[name] = evaluate(value, item);
    const body = parameters.sendBody ? evaluate(parameters.jsonBody, item) : undefined;
    if (body) headers["Content-Type"] = "application/json";
    const url = evaluate(parameters.url, item);
    const answer = await fetch(url, { method: parameters.method, headers, body });
    const json = await answer.json();
    requests.push({ method: parameters.method, url, headers: Object.keys(headers), body, status: answer.status });
    if (!answer.ok) throw new Error(`${answer.status} ${JSON.stringify(json)}`);
    return [{ json }];
  },
};

let node = workflow.nodes[0];
let item = input;
while (node) {
  const results = await TYPES[node.type](node.parameters, item);
  const at = results.findIndex(Boolean);
  item = outputs[node.name] = results[at];
  const next = workflow.connections[node.name]?.main[at]?.[0]?.node;
  node = workflow.nodes.find(({ name }) => name === next);
}
console.log(JSON.stringify({ requests, output: item.json }));
