// Runs a page of ours as a browser does, as far as such a page needs one: enough of a DOM for its elements, a fetch that
// answers what a test says, a clock that a test moves. Each line of stdin is a case in JSON, each line of stdout what its
// page shows.
"use strict";
const readline = require("node:readline");
const vm = require("node:vm");

const VOID = new Set(["meta", "link", "input", "br", "img", "hr"]);
const RAW = new Set(["script", "style"]);
const unescape = text => text.replace(/&(amp|lt|gt|quot|#34|#39);/g, (_, name) => ({ amp: "&", lt: "<", gt: ">", quot: '"', "#34": '"', "#39": "'" })[name]);
const escape = text => text.replace(/[&<>]/g, mark => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[mark]);

class Text {
  constructor(text) { this.text = text; }
  get textContent() { return this.text; }
  html() { return escape(this.text); }
}

class Element {
  constructor(tag, attributes = {}) {
    this.tag = tag;
    this.attributes = attributes;
    this.childNodes = [];
    this.listeners = {};
    this.parent = null;
    if ("checked" in attributes) this.checked = true;
    if ("value" in attributes) this.value = attributes.value;
    else if (tag === "input") this.value = "";
    this.dataset = new Proxy(attributes, { get: (all, name) => all["data-" + name] });
    this.classList = { toggle: (name, on) => { this.className = [...this.classes().filter(each => each !== name), ...(on ? [name] : [])].join(" "); } };
  }
  classes() { return (this.attributes.class || "").split(/\s+/).filter(Boolean); }
  get className() { return this.attributes.class || ""; }
  set className(name) { this.attributes.class = name; }
  get href() { return this.attributes.href || ""; }
  set href(address) { this.attributes.href = String(address); }
  set type(kind) { this.attributes.type = kind; }
  get id() { return this.attributes.id; }
  get hidden() { return "hidden" in this.attributes; }
  set hidden(on) { if (on) this.attributes.hidden = ""; else delete this.attributes.hidden; }
  get disabled() { return "disabled" in this.attributes; }
  set disabled(on) { if (on) this.attributes.disabled = ""; else delete this.attributes.disabled; }
  get children() { return this.childNodes.filter(each => each instanceof Element); }
  get textContent() { return this.childNodes.map(each => each.textContent).join(""); }
  set textContent(text) { this.childNodes = [new Text(String(text))]; }
  setAttribute(name, value) { this.attributes[name] = value; }
  append(...nodes) {
    for (const node of nodes.map(each => (each instanceof Element || each instanceof Text ? each : new Text(String(each))))) {
      if (node.parent) node.parent.childNodes = node.parent.childNodes.filter(each => each !== node);
      node.parent = this;
      this.childNodes.push(node);
    }
  }
  replaceChildren(...nodes) { this.childNodes = []; this.append(...nodes); }
  remove() { this.parent.childNodes = this.parent.childNodes.filter(each => each !== this); }
  addEventListener(kind, listener) { (this.listeners[kind] ||= []).push(listener); }
  async fire(kind) { for (const listener of this.listeners[kind] || []) await listener({ preventDefault() {} }); }
  *all() { for (const child of this.children) { yield child; yield* child.all(); } }
  matches(selector) {
    const [, tag, rest] = /^([a-z]*)(.*)$/.exec(selector);
    const parts = rest.match(/\.[\w-]+|\[[\w-]+(=[^\]]*)?\]|:checked/g) || [];
    return (!tag || tag === this.tag) && parts.every(part => {
      if (part === ":checked") return this.checked === true;
      if (part[0] === ".") return this.classes().includes(part.slice(1));
      const [name, value] = part.slice(1, -1).split("=");
      return name in this.attributes && (value === undefined || this.attributes[name] === value);
    });
  }
  querySelectorAll(selector) { return [...this.all()].filter(each => each.matches(selector)); }
  querySelector(selector) { return this.querySelectorAll(selector)[0] || null; }
  html() {
    const written = Object.entries(this.attributes).map(([name, value]) => ` ${name}="${escape(String(value)).replace(/"/g, "&quot;")}"`).join("");
    return `<${this.tag}${written}>` + (VOID.has(this.tag) ? "" : this.childNodes.map(each => each.html()).join("") + `</${this.tag}>`);
  }
}

function parse(html) {
  const root = new Element("root");
  let open = root;
  let end = 0;
  for (const found of html.matchAll(/<!--.*?-->|<!doctype[^>]*>|<(\/?)([a-z][a-z0-9]*)((?:\s+[\w-]+(?:="[^"]*")?)*)\s*>/gs)) {
    if (found.index < end) continue;
    if (found.index > end) open.append(new Text(unescape(html.slice(end, found.index))));
    end = found.index + found[0].length;
    const [, closing, tag, written] = found;
    if (!tag) continue;
    if (closing) { while (open.tag !== tag) open = open.parent; open = open.parent; continue; }
    const attributes = Object.fromEntries([...written.matchAll(/([\w-]+)(?:="([^"]*)")?/g)].map(([, name, value]) => [name, unescape(value || "")]));
    const made = new Element(tag, attributes);
    open.append(made);
    if (RAW.has(tag)) { end = html.indexOf(`</${tag}>`, end) + tag.length + 3; continue; }
    if (!VOID.has(tag)) open = made;
  }
  return root;
}

async function run(given) {
  const root = parse(given.html);
  const clock = { now: given.now };
  const timers = [];
  const requests = [];
  const kept = given.kept || {};
  let fragment = given.hash || "";
  const location = { get hash() { return fragment; }, set hash(text) { fragment = "#" + String(text).replace(/^#/, ""); } };
  const windowListeners = {};

  class FakeDate extends Date {
    constructor(...words) { super(...(words.length ? words : [clock.now])); }
    static now() { return clock.now; }
  }
  const documentListeners = {};
  const document = {
    title: root.querySelector("title").textContent,
    hidden: false,
    body: root.querySelector("body"),
    getElementById: id => [...root.all()].find(each => each.id === id) || null,
    createElement: tag => new Element(tag),
    querySelector: selector => root.querySelector(selector),
    querySelectorAll: selector => root.querySelectorAll(selector),
    addEventListener: (kind, listener) => { (documentListeners[kind] ||= []).push(listener); },
  };
  let open = 0;
  async function fetchReal(path, options) {
    const headers = { ...options.headers, Origin: given.base };
    open++;
    try {
      const answer = await fetch(given.base + path, { method: options.method, body: options.body, headers });
      const text = await answer.text();
      return { ok: answer.ok, status: answer.status, headers: answer.headers, json: async () => JSON.parse(text), text: async () => text };
    } finally {
      open--;
    }
  }
  async function fetchStub(path, options = {}) {
    requests.push({ path, method: options.method || "GET", body: options.body?.startsWith("{\"") ? JSON.parse(options.body) : null });
    if (given.base) return fetchReal(path, options);
    const key = Object.keys(given.answers).find(each => (options.method || "GET") + " " + path.split("?")[0] === each || path.split("?")[0] === each);
    const answer = given.answers[key];
    if (!answer || answer === "refused") throw new TypeError("Failed to fetch");
    if (answer === "hangs") throw new DOMException("signal timed out", "TimeoutError");
    const date = "date" in answer ? answer.date : new Date(clock.now).toUTCString();
    const text = typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body);
    const status = answer.status || 200;
    return { ok: status < 300, status, headers: { get: name => (name === "date" ? date : null) }, json: async () => JSON.parse(text), text: async () => text };
  }

  // Until what was asked is answered, and what follows from that was done.
  const settle = async () => {
    for (let still = 0; still < 20; still = open ? 0 : still + 1) await new Promise(done => (open ? setTimeout(done, 10) : setImmediate(done)));
  };
  const context = vm.createContext({
    document, location, clock, settle, URLSearchParams, console,
    Date: FakeDate,
    fetch: fetchStub,
    AbortSignal: { timeout: () => undefined },
    localStorage: { getItem: name => kept[name] ?? null, setItem: (name, value) => { kept[name] = value; } },
    setInterval: (callback, ms) => timers.push({ callback, ms }),
    addEventListener: (kind, listener) => { (windowListeners[kind] ||= []).push(listener); },
    answers: given.answers || {},
    tick: async ms => { for (const timer of timers.filter(each => each.ms === ms)) await timer.callback(); await settle(); },
    wake: async () => { for (const listener of documentListeners.visibilitychange || []) await listener(); await settle(); },
    go: async hash => { location.hash = hash; for (const listener of windowListeners.hashchange || []) await listener(); await settle(); },
    click: async node => { await node.fire("click"); await settle(); },
    type: async (node, text) => { node.value = text; await node.fire("input"); },
    by: id => document.getElementById(id),
  });
  vm.runInContext(given.script, context);
  await settle();
  if (given.act) await vm.runInContext(`(async () => { ${given.act} })()`, context);
  await settle();
  return { html: root.html(), title: document.title, requests, kept, hash: String(location.hash) };
}

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const shown = await run(JSON.parse(line)).catch(error => ({ error: error.stack }));
    console.log(JSON.stringify(shown));
  }
}

main();
