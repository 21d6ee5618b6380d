/* Rendered by lookout from services.yaml. Edits here are lost: change services.yaml and render. */
"use strict";
// The form behind the link Silence of a message: #alertname=…&service=… says what it begins with. It makes silences by
// equality alone, and only ones that name an alert or a service: nothing here can silence everything.

const REFRESH_MS = 30_000;
const TIMEOUT_MS = 10_000;
const NAMES = ["alertname", "service", "instance"];
const NARROW = ["alertname", "service"];
const WATCHDOG = "Watchdog";
const SHOWN = 8;

const by = id => document.getElementById(id);
const api = by("page").dataset.alertmanager + "/api/v2";
let alerts = null;
// How far the server's clock is ahead of this browser's: a silence begins and ends by the server's.
let ahead = 0;

// --- asking ---

async function ask(path, options) {
  const answer = await fetch(api + path, { cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS), ...options });
  const date = Date.parse(answer.headers.get("date") || "");
  if (date) ahead = date - Date.now();
  if (!answer.ok) throw new Error(reason(answer.status, (await answer.text()).trim()));
  return answer;
}

// What Alertmanager or Caddy said, in a line: a status alone, or a page, says nothing to a reader.
function reason(status, text) {
  const said = text.replace(/^"|"$/g, "");
  return !said || said.startsWith("<") || said.length > 300 ? "it answered " + status : said;
}

async function askList(path) {
  const found = await (await ask(path)).json();
  if (!Array.isArray(found)) throw new Error("it answered something else than a list");
  return found;
}

// --- what is silenced ---

function matchers() {
  return [...by("matchers").children]
    .map(row => ({ name: row.querySelector(".name").value.trim(), value: row.querySelector(".value").value.trim() }))
    .filter(each => each.name && each.value);
}

const matches = (labels, wanted) => wanted.every(each => labels[each.name] === each.value);

// Why these matchers may not become a silence; empty when they may.
function refusal(wanted) {
  const named = wanted.map(each => each.name);
  if (!named.some(name => NARROW.includes(name))) return "Name the alert or the service: a silence on everything hides the next fault as well.";
  if (new Set(named).size < named.length) return "A label is named twice, and no alert has two values of one.";
  if (named.some(name => !/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name))) return "A label's name has letters, digits and _.";
  if (matches({ alertname: WATCHDOG, service: "lookout", ...watchdogLabels() }, wanted)) return "This would silence Watchdog, the alert that always fires, and the dead man's switch would report an outage. Name the alert too.";
  return "";
}

const watchdogLabels = () => (alerts || []).find(alert => alert.labels.alertname === WATCHDOG)?.labels || {};

function addRow(name, value) {
  const row = element("div", "", "matcher");
  const [key, text] = [name, value].map((given, index) => {
    const input = element("input", "", index ? "value" : "name");
    input.type = "text";
    input.value = given;
    input.setAttribute("aria-label", index ? "value" : "label");
    input.addEventListener("input", preview);
    return input;
  });
  const gone = element("button", "×");
  gone.type = "button";
  gone.setAttribute("aria-label", "remove");
  gone.addEventListener("click", () => { row.remove(); preview(); });
  row.append(key, element("span", "="), text, gone);
  by("matchers").append(row);
}

// The matchers that the address names, or an empty alert to fill in.
function begin() {
  by("matchers").replaceChildren();
  const given = [...new URLSearchParams(location.hash.slice(1))].filter(([name, value]) => name && value);
  for (const [name, value] of given.length ? given : [["alertname", ""]]) addRow(name, value);
  preview();
}

// --- showing ---

function element(tag, text, name) {
  const made = document.createElement(tag);
  if (text) made.textContent = text;
  if (name) made.className = name;
  return made;
}

function fill(section, level, head, ...parts) {
  section.hidden = false;
  section.className = "state " + level;
  section.replaceChildren(element("b", head), ...parts);
}

const plural = (count, one) => count + " " + one + (count === 1 ? "" : "s");
const written = wanted => wanted.map(each => each.name + (each.isEqual === false ? "!" : "") + (each.isRegex ? "=~" : "=") + each.value).join(", ");

function preview() {
  const wanted = matchers();
  const refused = refusal(wanted);
  by("send").disabled = Boolean(refused) || alerts === null;
  if (alerts === null) return;
  if (refused) return fill(by("preview"), "warn", wanted.length ? "Not yet" : "Nothing is named", element("p", refused), ...suggestions(wanted));
  const found = alerts.filter(alert => matches(alert.labels, wanted));
  const head = found.length ? plural(found.length, "alert") + (found.length === 1 ? " fires and is" : " fire and are") + " silenced by this" : "Nothing that fires now matches";
  fill(by("preview"), "", head, found.length ? listed(found) : element("p", "The silence also holds for what begins to fire while it stands.", "quiet"));
}

function listed(found) {
  const list = element("ul");
  for (const alert of found.slice(0, SHOWN)) {
    const severity = ["critical", "warning"].find(each => each === alert.labels.severity) || "info";
    const item = element("li");
    item.append(element("span", alert.labels.severity || "alert", "badge " + severity), " " + [alert.labels.service, alert.labels.alertname].filter(Boolean).join(": ") + " ",
      element("span", alert.annotations?.summary || "", "quiet"));
    if (alert.status?.silencedBy?.length) item.append(element("span", " · silenced already", "quiet"));
    list.append(item);
  }
  if (found.length > SHOWN) list.append(element("li", "and " + (found.length - SHOWN) + " more", "quiet"));
  return list;
}

// With nothing named yet, what fires now is offered.
function suggestions(wanted) {
  if (wanted.length) return [];
  const chips = element("p", "", "chips");
  const open = alerts.filter(alert => alert.labels.alertname !== WATCHDOG && alert.status?.state !== "suppressed");
  for (const alert of open.slice(0, SHOWN)) {
    const button = element("button", [alert.labels.service, alert.labels.alertname].filter(Boolean).join(": "));
    button.type = "button";
    const own = NAMES.filter(name => alert.labels[name]).map(name => [name, alert.labels[name]]);
    button.addEventListener("click", () => { location.hash = new URLSearchParams(own); });
    chips.append(button);
  }
  return chips.childNodes.length ? [chips] : [];
}

function standing(silences) {
  const open = silences.filter(each => each.status?.state !== "expired").sort((a, b) => String(a.endsAt).localeCompare(String(b.endsAt)));
  const cards = open.map(each => {
    const card = element("li");
    const text = element("div");
    const when = (each.status.state === "pending" ? "from " + new Date(each.startsAt).toLocaleString() + " " : "") + "until " + new Date(each.endsAt).toLocaleString();
    text.append(element("b", written(each.matchers)), element("div", when + " · " + each.createdBy + (each.comment ? ": " + each.comment : ""), "quiet"));
    const end = element("button", "End it");
    end.addEventListener("click", () => finish(each, end));
    card.append(text, end);
    return card;
  });
  by("standing").replaceChildren(...(cards.length ? cards : [element("li", "None", "quiet")]));
}

// --- doing ---

// Milliseconds from now to the end that was chosen; NaN when none was.
function lasting() {
  const chosen = document.querySelector("input[name=duration]:checked")?.value;
  return chosen === "until" ? Date.parse(by("until").value) - Date.now() : Number(chosen) * 1000;
}

async function send(event) {
  event.preventDefault();
  const wanted = matchers();
  const refused = refusal(wanted);
  const [who, why, lasts] = [by("who").value.trim(), by("why").value.trim(), lasting()];
  if (refused) return fill(by("said"), "bad", refused);
  if (!who || !why) return fill(by("said"), "bad", "Say who you are and why");
  if (!(lasts > 0)) return fill(by("said"), "bad", "The end has to be later than now");
  by("send").disabled = true;
  const now = Date.now() + ahead;
  const body = { matchers: wanted.map(each => ({ ...each, isRegex: false, isEqual: true })), startsAt: new Date(now).toISOString(),
    endsAt: new Date(now + lasts).toISOString(), createdBy: who, comment: why };
  try {
    await ask("/silences", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    remember(who);
    fill(by("said"), "good", "Silenced until " + new Date(Date.now() + lasts).toLocaleString(), element("p", written(wanted), "quiet"));
    by("why").value = "";
  } catch (error) {
    fill(by("said"), "bad", "Not silenced", element("p", "Alertmanager did not take it: " + error.message));
  }
  await refresh();
}

async function finish(silence, button) {
  button.disabled = true;
  try {
    await ask("/silence/" + encodeURIComponent(silence.id), { method: "DELETE" });
    fill(by("said"), "good", "Ended", element("p", written(silence.matchers), "quiet"));
  } catch (error) {
    fill(by("said"), "bad", "Not ended", element("p", "Alertmanager did not take it: " + error.message));
  }
  await refresh();
}

// A browser that keeps nothing is asked again next time.
function remember(who) {
  try { localStorage.setItem("lookout.who", who); } catch { /* nothing depends on it */ }
}

function remembered() {
  try { return localStorage.getItem("lookout.who") || ""; } catch { return ""; }
}

async function refresh() {
  try {
    const [found, silences] = await Promise.all([askList("/alerts"), askList("/silences")]);
    alerts = found;
    standing(silences);
  } catch (error) {
    alerts = null;
    const why = element("p", error.message + " ");
    why.append(element("code", "make status"), " says more.");
    fill(by("preview"), "bad", "Alertmanager does not answer", why);
    by("standing").replaceChildren(element("li", "Not known", "quiet"));
  }
  preview();
}

by("who").value = remembered();
by("more").addEventListener("click", () => addRow("", ""));
by("form").addEventListener("submit", send);
by("form").addEventListener("change", () => { by("until").hidden = document.querySelector("input[name=duration]:checked")?.value !== "until"; });
addEventListener("hashchange", begin);
begin();
refresh();
setInterval(refresh, REFRESH_MS);
