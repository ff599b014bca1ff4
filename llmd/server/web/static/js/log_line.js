// One entry of the log as a row; all that it says is text. Details are drawn when somebody unfolds it.
import { t } from "./base.js";

const RANKS = { debug: 0, info: 1, warning: 2, error: 3, critical: 4 };
const LEVEL = 8;
const CUT = 400;
const today = new Date().toDateString();
const language = document.documentElement.lang;
const CLOCK = { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false };
const clock = new Intl.DateTimeFormat(language, CLOCK);
const dated = new Intl.DateTimeFormat(language, { month: "2-digit", day: "2-digit", ...CLOCK });

/** Whether an entry is wanted; one that says no level always may be. */
export function fits(entry, wish) {
  if ((RANKS[entry.level] ?? 4) < RANKS[wish.level]) return false;
  if (!wish.words.length) return true;
  entry.text ??= all(entry).toLowerCase();
  return wish.words.every((word) => entry.text.includes(word));
}

const details = (entry) => (entry.fields ?? []).map(([key, value]) => `${key}=${value}`).join(" ");

function all(entry) {
  const parts = [entry.time, entry.level, entry.logger, entry.event, details(entry), entry.trace];
  return parts.filter(Boolean).join(" ");
}

function piece(text, name, kind = "span") {
  const element = document.createElement(kind);
  if (name) element.className = name;
  element.textContent = visible(text);
  return element;
}

// what clients choose of a line may neither break it nor turn its direction
const visible = (text) => text.replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, (sign) => (sign === "\t" ? "  " : "\ufffd"));

function moment(time) {
  const when = new Date(time);
  if (Number.isNaN(when.getTime())) return time;
  return (when.toDateString() === today ? clock : dated).format(when);
}

/** Return a row for an entry. */
export function draw(entry) {
  const row = document.createElement("details");
  row.className = `line ${entry.level in RANKS ? entry.level : ""}`;
  const head = document.createElement("summary");
  if (entry.time) {
    const time = piece(`${moment(entry.time)} `, "", "time");
    time.title = entry.time;
    head.append(time);
  }
  if (entry.level) head.append(piece(entry.level.padEnd(LEVEL), "level"));
  if (entry.logger) head.append(piece(`${entry.logger}: `, "logger"));
  const rest = details(entry);
  head.append(piece(entry.event.slice(0, CUT), "event"));
  if (rest) head.append(piece(` ${rest.slice(0, CUT)}`, "rest"));
  if (entry.trace) head.append(piece(` ${entry.trace.trim().split("\n").pop().slice(0, CUT)}`, "trace"));
  row.append(head);
  row.addEventListener("toggle", () => row.open && row.childElementCount === 1 && row.append(inside(entry)), { once: true });
  return row;
}

function inside(entry) {
  const box = document.createElement("div");
  box.className = "inside";
  const list = document.createElement("dl");
  const facts = [["time", entry.time], ["level", entry.level], ["logger", entry.logger], ["event", entry.event]];
  for (const [key, value] of [...facts, ...(entry.fields ?? [])]) {
    if (value) list.append(piece(key, "", "dt"), lines(value));
  }
  box.append(list);
  if (entry.trace) {
    const trace = document.createElement("pre");
    trace.className = "trace";
    trace.textContent = entry.trace;
    box.append(trace);
  }
  const copy = piece(t("logs.raw"), "", "button");
  copy.addEventListener("click", async () => {
    await navigator.clipboard?.writeText(all(entry));
    copy.textContent = t("logs.copied");
  });
  if (navigator.clipboard) box.append(copy);
  return box;
}

function lines(value) {
  const shown = document.createElement("dd");
  shown.textContent = value.replace(/[\u202a-\u202e\u2066-\u2069]/g, "\ufffd");
  return shown;
}
