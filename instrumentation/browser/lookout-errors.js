/**
 * Errors of a web page, reported through the Sentry SDK that the page brings along: who, where and which release, and
 * no personal data. Owns the SDK's settings and what is taken out of an event before it leaves; it loads nothing.
 *
 *     import * as Sentry from "@sentry/browser";
 *     import { initErrors } from "./lookout-errors.js";
 *     const errors = initErrors(Sentry, { dsn, release, environment, userHash, tier, flags, requestId });
 */
import { TABLE } from "./redaction.js";

const REDACTED = "[redacted:secret]";
const MAX_DEPTH = 6;
const MAX_ITEMS = 100;
const MAX_TEXT = 8192;
// As lookout_instrumentation makes it: the page is given it by the server, which alone has the key.
const USER_HASH = /^[0-9a-f]{16}$/;

// Errors that every browser reports and that cannot be fixed: a page that was left, a lost network, a browser extension.
const EXPECTED = [
  /^ResizeObserver loop/,
  /^Script error\.?$/,
  /^(?:TypeError: )?(?:Failed to fetch|Load failed|NetworkError when attempting to fetch resource)/,
  /AbortError/,
  /^(?:cancell?ed|The operation was aborted)/,
];
const FOREIGN = [/^(?:chrome|moz|safari(?:-web)?)-extension:/, /^webkit-masked-url:/];

const compile = (pattern) =>
  pattern.startsWith("(?i)") ? new RegExp(pattern.slice(4), "gi") : new RegExp(pattern, "g");
const NAMES = new RegExp(TABLE.names.replace("(?i)", ""), "i");
const RULES = TABLE.rules.map((rule) => ({
  pattern: compile(rule.pattern),
  mask: rule.mask.replace(/\$\{(\d)\}/g, "$$$1"),
  checked: rule.check === "luhn",
}));

/** Whether the digits of a text are a card number; three more at the end may be the code on its back. */
export function luhn(text) {
  const digits = [...text.replace(/%20|\D/g, "")].map(Number);
  const valid = (part) =>
    part.reverse().reduce((sum, digit, i) => sum + (i % 2 ? 2 * digit - 9 * (digit > 4) : digit), 0) % 10 === 0;
  return valid([...digits]) || valid(digits.slice(0, 16));
}

/** A text with everything masked that the table of rules names: the one that logs are masked by, too. */
export function redact(text) {
  return RULES.reduce((rest, rule) => (rule.checked ? checked(rest, rule) : rest.replace(rule.pattern, rule.mask)), text);
}

/** Masks what passes the check; a match that does not hides none that overlaps it. */
function checked(text, { pattern, mask }) {
  const search = new RegExp(pattern.source, pattern.flags);
  let [done, start, masked] = [0, 0, ""];
  for (;;) {
    search.lastIndex = start;
    const found = search.exec(text);
    if (!found) return masked + text.slice(done);
    if (luhn(found[0])) {
      masked += text.slice(done, found.index) + mask.replace(/\$(\d)/g, (_, group) => found[group] ?? "");
      done = start = found.index + found[0].length;
    } else {
      const digit = text.slice(found.index).search(/\d/);
      start = digit < 0 ? found.index + found[0].length : found.index + digit + 1;
    }
  }
}

/** Any structure with its secrets masked, by the names of fields and by the shapes of values. */
export function scrub(value, depth = 0) {
  if (typeof value === "string") return redact(value.slice(0, MAX_TEXT));
  if (typeof value === "number") return number(value);
  if (value === null || typeof value !== "object") return value;
  if (depth >= MAX_DEPTH) return "[too deep]";
  if (Array.isArray(value)) {
    const pair = value.length === 2 && value.every((each) => typeof each === "string") && NAMES.test(value[0]);
    return pair ? [redact(value[0]), REDACTED] : value.slice(0, MAX_ITEMS).map((item) => scrub(item, depth + 1));
  }
  const entries = Object.entries(value).slice(0, MAX_ITEMS);
  return Object.fromEntries(entries.map(([name, item]) => [redact(name), hidden(name, item, depth + 1)]));
}

/** A value under its name: true or false about a secret may stay, and numbers under a plural are counts. */
function hidden(name, value, depth) {
  if (value === null || typeof value === "boolean") return value;
  const plural = NAMES.test(name.replace(/s$/i, "")) && typeof value !== "number";
  return NAMES.test(name) || plural ? REDACTED : scrub(value, depth);
}

/** A long number may be that of a card. */
function number(value) {
  const masked = Math.abs(value) < 1e11 ? "" : redact(String(value));
  return !masked || masked === String(value) ? value : masked;
}

/** An address without what stands behind the path: that is where people's data and tokens are. */
export function bare(url) {
  return typeof url === "string" ? redact(url.split(/[?#]/)[0]) : url;
}

/** Whether an error was to be expected: it says so itself, a server refused the request, or every browser has it. */
export function isExpected(error, patterns = []) {
  if (error?.expected === true) return true;
  if (Number.isInteger(error?.status) && error.status >= 400 && error.status < 500) return true;
  const text = `${error?.name ? `${error.name}: ` : ""}${error?.message ?? error ?? ""}`;
  const message = String(error?.message ?? "");
  return [...EXPECTED, ...patterns].some((each) =>
    typeof each === "string" ? text.includes(each) : each.test(text) || each.test(message),
  );
}

/** An event as it may leave the browser. */
export function scrubEvent(event) {
  const { request, user, exception, breadcrumbs, ...rest } = event;
  const kept = scrub(rest);
  if (exception?.values) kept.exception = { ...exception, values: exception.values.map(scrubException) };
  if (breadcrumbs) kept.breadcrumbs = breadcrumbs.map(scrubBreadcrumb);
  if (request) {
    const agent = request.headers?.["User-Agent"];
    kept.request = { url: bare(request.url), ...(agent ? { headers: { "User-Agent": agent } } : {}) };
  }
  if (USER_HASH.test(user?.id ?? "")) kept.user = { id: user.id };
  return kept;
}

/** The error's message is masked; file names, functions and lines stay, because they are needed to fix it. */
function scrubException(each) {
  const value = typeof each.value === "string" ? redact(each.value.slice(0, MAX_TEXT)) : each.value;
  const frames = each.stacktrace?.frames?.map(({ vars, ...frame }) => ({ ...frame, filename: bare(frame.filename) }));
  return { ...each, value, ...(frames ? { stacktrace: { ...each.stacktrace, frames } } : {}) };
}

/** Text that a user typed or clicked is masked; requested addresses lose their query. */
export function scrubBreadcrumb(crumb) {
  const kept = scrub(crumb);
  for (const name of ["url", "from", "to"]) if (crumb.data?.[name]) kept.data[name] = bare(crumb.data[name]);
  return kept;
}

/**
 * Begin to report. Without a DSN nothing is reported, and everything else works as with one.
 *
 * `expected`: further errors that are none, as texts or regular expressions. `sampleRate`: the share of errors that is
 * reported. `flags`: feature flags by name. The handle sets what changes while the page lives.
 */
export function initErrors(Sentry, options) {
  const { dsn, release, environment, userHash, tier, flags = {}, requestId, expected = [], sampleRate = 1 } = options;
  if (!dsn) return { setUser() {}, setFlag() {}, setRequestId() {} };
  Sentry.init({
    dsn,
    release,
    environment,
    sampleRate,
    sendDefaultPii: false,
    maxBreadcrumbs: 30,
    denyUrls: FOREIGN,
    beforeBreadcrumb: (crumb) => (crumb.category === "console" ? null : scrubBreadcrumb(crumb)),
    beforeSend: (event, hint) => (isExpected(hint?.originalException, expected) ? null : scrubEvent(event)),
  });
  const handle = {
    setUser(hash, newTier) {
      Sentry.setUser(USER_HASH.test(hash ?? "") ? { id: hash } : null);
      if (newTier) Sentry.setTag("tier", newTier);
    },
    setFlag: (name, value) => Sentry.setTag(`flag.${name}`, String(value)),
    setRequestId: (id) => Sentry.setTag("request_id", id),
  };
  handle.setUser(userHash, tier);
  for (const [name, value] of Object.entries(flags)) handle.setFlag(name, value);
  if (requestId) handle.setRequestId(requestId);
  return handle;
}
