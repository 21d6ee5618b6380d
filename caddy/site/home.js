/* Rendered by lookout from services.yaml. Edits here are lost: change services.yaml and render. */
"use strict";
// What the home page adds to itself: how things are now. It is green only when all that would make it red or amber was
// asked for, and was answered: that targets are scraped, that rules are evaluated and reach Alertmanager (Watchdog, the
// alert that always fires, is there and fresh), and that every channel has what it needs to deliver.

const REFRESH_MS = 30_000;
const TIMEOUT_MS = 10_000;
// The slowest target is scraped once a minute.
const SAMPLE_MS = 180_000;
// Older than this, what the page shows is no longer known.
const DOUBT_MS = 90_000;
const SHOWN = 20;
const RANK = ["critical", "warning", "info"];

const section = document.getElementById("state");
const place = section.dataset;
const title = document.title;
const WATCHDOG_MS = Number(place.watchdog) * 1000;
let asking = false;
let known = Date.now();

// --- asking ---

// The answer as JSON with the time at the server; null when there is none, or when it is no JSON.
async function ask(path) {
  try {
    const answer = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (!answer.ok) return { answered: true, body: null };
    const body = await answer.json().catch(() => null);
    return { answered: true, body, now: Date.parse(answer.headers.get("date") || "") || Date.now() };
  } catch {
    return { answered: false, body: null };
  }
}

async function gather() {
  const [alerts, scraped, delivery] = await Promise.all([
    ask(place.alertmanager + "/api/v2/alerts"),
    ask(place.prometheus + "/api/v1/query?query=" + encodeURIComponent("max(timestamp(up))")),
    ask("/delivery.json"),
  ]);
  const sample = scraped.body?.status === "success" && scraped.body.data?.result;
  return {
    reached: [alerts, scraped, delivery].some(each => each.answered),
    alerts: Array.isArray(alerts.body) ? alerts.body : null,
    now: alerts.now,
    prometheus: Array.isArray(sample),
    scrapedMs: Array.isArray(sample) && sample.length ? scraped.now - Number(sample[0].value[1]) * 1000 : Infinity,
    delivery: Array.isArray(delivery.body?.channels) ? delivery.body : null,
  };
}

// --- judging ---

const problem = (level, head, text, ...todo) => ({ level, head, text, todo });
const ago = ms => ms < 120_000 ? Math.max(0, Math.round(ms / 1000)) + " s ago" : ms < 7_200_000 ? Math.round(ms / 60_000) + " min ago" : Math.round(ms / 3_600_000) + " h ago";
const plural = (count, one) => count + " " + one + (count === 1 ? "" : "s");
const isFiring = alert => alert.status?.state !== "suppressed";
const STATUS = "make status";
const logs = part => "make logs SERVICE=" + part;

// Why the page cannot be trusted: nothing is measured, or alerts have no receiver.
function* blindness(state) {
  if (!state.reached) {
    yield problem("bad", "Lookout does not answer", "How things are is not known: the server, or your way to it, is gone.", STATUS);
    return;
  }
  if (!state.prometheus) yield problem("bad", "Nothing is measured", "Prometheus does not answer.", STATUS, logs("prometheus"));
  if (!state.alerts) {
    yield problem("bad", "No alert reaches you", "Alertmanager does not answer: what fires is not known, and no message is sent.", STATUS, logs("alertmanager"));
    return;
  }
  if (!state.prometheus) return;
  const watchdog = state.alerts.find(alert => alert.labels?.alertname === "Watchdog");
  const age = watchdog ? state.now - Date.parse(watchdog.updatedAt) : NaN;
  if (!watchdog)
    yield problem("bad", "Nothing is measured", "Watchdog, the alert that always fires, is missing: Prometheus evaluates no rules, or its alerts do not reach Alertmanager. Just after a start this takes a minute.", STATUS, logs("prometheus"));
  else if (!(age < WATCHDOG_MS) || !(state.now < Date.parse(watchdog.endsAt)))
    yield problem("bad", "Nothing is measured", "Watchdog, the alert that always fires, last came " + (age >= 0 ? ago(age) : "at an unknown time") + ": Prometheus evaluates no rules, or its alerts do not reach Alertmanager.", STATUS, logs("prometheus"));
  else if (!(state.scrapedMs < SAMPLE_MS))
    yield problem("bad", "Nothing is measured", state.scrapedMs === Infinity ? "Prometheus scrapes no target." : "Prometheus last scraped a target " + ago(state.scrapedMs) + ".", STATUS, logs("prometheus"));
  else if (!isFiring(watchdog))
    yield problem("warn", "Watchdog is silenced", "A silence matches the alert that always fires, so a dead man's switch outside would report an outage. End that silence.", "/silence.html");
}

function* deafness(delivery) {
  if (!delivery) {
    yield problem("unknown", "Not known whether messages can be delivered", "Which channels have their secrets is written by make up and make apply, and could not be read.", "make up");
    return;
  }
  const { channels, watchdog } = delivery;
  const lacking = channels.filter(channel => channel.there !== true);
  if (!channels.length) yield problem("warn", "No one is notified", "No alert has a channel to go to: declare one under channels: in services.yaml.", "make apply");
  if (lacking.length) {
    const wanted = lacking.map(channel => channel.name + " (" + channel.kind + ") lacks secrets/" + channel.secret).join(", ");
    const head = lacking.length === channels.length ? "No one is notified" : plural(lacking.length, "channel") + " cannot deliver";
    yield problem("warn", head, wanted + ".", "make secrets", "make apply");
  }
  if (watchdog && watchdog.there !== true)
    yield problem("warn", "The dead man's switch is not pinged", "It has no address: write it into secrets/" + watchdog.secret + ".", "make secrets", "make apply");
}

function firing(alerts) {
  return alerts
    .filter(alert => alert.labels?.alertname !== "Watchdog" && isFiring(alert))
    .sort((a, b) => severity(a) - severity(b) || String(a.startsAt).localeCompare(String(b.startsAt)));
}

// A severity that is not ours counts as a warning, as its message does.
const severity = alert => { const found = RANK.indexOf(alert.labels?.severity); return found < 0 ? 1 : found; };
const worst = alerts => RANK[Math.min(...alerts.map(severity))];

// The whole of what the page shows: a level, a headline, what is wrong besides, what fires.
function judge(state) {
  const blind = [...blindness(state)];
  const measured = !blind.some(each => each.level === "bad");
  const fires = firing(state.alerts || []);
  const urgent = fires.filter(alert => severity(alert) < 2);
  const problems = state.reached ? [...blind, ...deafness(state.delivery)] : blind;
  if (urgent.length) {
    const level = worst(urgent) === "critical" ? "bad" : "warn";
    problems.push(problem(level, plural(urgent.length, "alert") + (urgent.length === 1 ? " fires" : " fire"), ""));
  }
  const order = ["bad", "warn", "unknown"];
  problems.sort((a, b) => order.indexOf(a.level) - order.indexOf(b.level));
  const muted = (state.alerts || []).filter(alert => !isFiring(alert));
  const all = state.delivery ? plural(state.delivery.channels.length, "channel") + " can deliver" : "";
  const well = problem("good", "All is well", "Nothing fires. Targets were scraped " + ago(state.scrapedMs) + ", alerts reach Alertmanager, " + all + ".");
  const [first, ...others] = problems.length ? problems : [well];
  return { first, others, fires, muted, measured };
}

// `1 critical, 2 more`.
function counted(alerts) {
  const worst_count = alerts.filter(alert => RANK[severity(alert)] === worst(alerts)).length;
  return worst_count + " " + worst(alerts) + (worst_count < alerts.length ? ", " + (alerts.length - worst_count) + " more" : "");
}

// --- showing ---

function element(tag, text, name) {
  const made = document.createElement(tag);
  if (text) made.textContent = text;
  if (name) made.className = name;
  return made;
}

function todo(each) {
  const made = element("p", each.text + (each.text && each.todo.length ? " " : ""));
  each.todo.forEach((step, index) => {
    if (index) made.append(" · ");
    made.append(step.startsWith("/") ? link("Silences", step) : element("code", step));
  });
  return made;
}

function link(text, href) {
  const made = element("a", text);
  made.href = href;
  return made;
}

function row(alert) {
  const { alertname, service, instance } = alert.labels;
  const item = element("li");
  const kind = RANK[severity(alert)];
  // Only an address of a page: an annotation is text that anything may have written.
  const runbook = /^https?:\/\//.test(alert.annotations?.runbook_url || "") ? alert.annotations.runbook_url : place.runbooks + "/";
  const matchers = Object.entries({ alertname, service, instance }).filter(([, value]) => value);
  const links = element("span", "", "links");
  links.append(link("Silence", "/silence.html#" + new URLSearchParams(matchers)));
  item.append(element("span", alert.labels.severity || kind, "badge " + kind), " " + (service ? service + ": " : ""), link(alertname || "an alert", runbook),
    " " + (alert.annotations?.summary || ""), element("span", " · since " + new Date(alert.startsAt).toLocaleString([], { dateStyle: "medium", timeStyle: "short" }) + " · ", "quiet"), links);
  return item;
}

function show(verdict, all) {
  const { first, others, fires, muted, measured } = verdict;
  section.className = "state " + first.level;
  const parts = [element("b", first.head)];
  if (first.text || first.todo.length) parts.push(todo(first));
  const list = element("ul");
  for (const each of others) {
    const item = element("li");
    item.append(element("b", each.head + (each.text ? ". " : ""), { bad: "critical", warn: "warning" }[each.level] || "unknown"), ...todo(each).childNodes);
    list.append(item);
  }
  // A message's link names its service: then only what fires of it is listed.
  const only = new URLSearchParams(location.hash.slice(1)).get("service");
  const own = only ? fires.filter(alert => alert.labels.service === only) : fires;
  const listed = all ? fires : own.slice(0, SHOWN);
  list.append(...listed.map(row));
  if (list.childNodes.length) parts.push(list);
  if (listed.length < fires.length) {
    const more = element("button", "Show all " + fires.length);
    more.addEventListener("click", () => show(verdict, true));
    if (only) parts.push(element("p", "Of " + only + " alone: " + own.length + " of " + fires.length + ".", "quiet"));
    parts.push(more);
  }
  const silenced = muted.filter(alert => alert.status.silencedBy?.length).length;
  const said = [silenced && plural(silenced, "alert") + " silenced", muted.length - silenced && muted.length - silenced + " kept back by an outage"].filter(Boolean);
  if (said.length) {
    const note = element("p", said.join(", "), "quiet");
    if (silenced) note.append(" · ", link("Silences", "/silence.html"));
    parts.push(note);
  }
  section.replaceChildren(...parts);
  document.title = (first.level === "good" ? "" : first.level === "unknown" ? "? " : "! ") + title;
  for (const line of document.querySelectorAll("tr[data-service]")) {
    const own = fires.filter(alert => alert.labels.service === line.dataset.service);
    const badge = line.querySelector(".badge");
    badge.className = "badge " + (own.length ? worst(own) : measured ? "ok" : "unknown");
    badge.textContent = own.length ? counted(own) : measured ? "nothing fires" : "not known";
  }
}

// --- in time ---

async function refresh() {
  if (asking) return;
  asking = true;
  try {
    show(judge(await gather()));
    known = Date.now();
  } finally {
    asking = false;
  }
}

// A page that slept, or whose questions hang, shows nothing that it no longer knows.
function doubt() {
  if (Date.now() - known < DOUBT_MS) return;
  show({ first: problem("unknown", "Not known any more", "This page last reached the server at " + new Date(known).toLocaleTimeString() + " and asks again."), others: [], fires: [], muted: [], measured: false });
  refresh();
}

async function grafana() {
  const { body } = await ask(place.grafana + "/api/health");
  document.body.classList.toggle("no-grafana", body === null);
}

refresh();
grafana();
setInterval(refresh, REFRESH_MS);
setInterval(doubt, 5000);
addEventListener("hashchange", refresh);
document.addEventListener("visibilitychange", () => { if (!document.hidden) doubt(); });
