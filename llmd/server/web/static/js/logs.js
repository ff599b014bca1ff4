// The log: a stream of entries, the latest of which are kept, filtered and drawn.
import { leave, renew, t } from "./base.js";
import { draw, fits } from "./log_line.js";

const MOST = 5000;
const log = document.getElementById("log");
const state = document.getElementById("state");
const blank = document.getElementById("blank");
const pause = document.getElementById("pause");
const follow = document.getElementById("follow");
const end = document.getElementById("end");
const level = document.getElementById("level");
const words = document.getElementById("words-wanted");
const wrap = document.getElementById("wrap");

let kept = []; // { entry, row or null }
let held = []; // entries that came while it is paused
let paused = false;
let began = false;
let source = null;
let last = "";
let problem = "";

const wish = () => ({ level: level.value, words: words.value.toLowerCase().split(/\s+/).filter(Boolean) });

function say() {
  const shown = log.childElementCount;
  const count = kept.length;
  const lines =
    shown === count
      ? t("logs.lines", { count: count.toLocaleString() })
      : t("logs.lines_of", { shown: shown.toLocaleString(), count: count.toLocaleString() });
  state.textContent = problem || `${lines} · ${paused ? t("logs.paused") : t("logs.following")}`;
  state.classList.toggle("wrong", Boolean(problem));
  blank.hidden = shown > 0;
  blank.textContent = !began ? t("logs.connecting") : count ? t("logs.nothing_found") : t("logs.empty");
  pause.textContent = !paused
    ? t("logs.pause")
    : held.length
      ? t("logs.resume_new", { count: held.length.toLocaleString() })
      : t("logs.resume");
  pause.setAttribute("aria-pressed", paused);
  end.hidden = follow.checked || !shown;
}

function toEnd() {
  if (follow.checked) log.scrollTop = log.scrollHeight;
}

function add(entries) {
  const wanted = wish();
  const rows = document.createDocumentFragment();
  for (const entry of entries.slice(-MOST)) {
    const row = fits(entry, wanted) ? draw(entry) : null;
    if (row) rows.append(row);
    kept.push({ entry, row });
  }
  log.append(rows);
  drop();
  toEnd();
  say();
}

/** Forget the oldest; what is in sight stays where it is. */
function drop() {
  const gone = kept.splice(0, Math.max(0, kept.length - MOST));
  if (!gone.length) return;
  const before = log.scrollHeight;
  for (const { row } of gone) row?.remove();
  if (!follow.checked) log.scrollTop -= before - log.scrollHeight;
}

function redraw() {
  const wanted = wish();
  for (const one of kept) one.row = fits(one.entry, wanted) ? (one.row ?? draw(one.entry)) : null;
  log.replaceChildren(...kept.flatMap(({ row }) => row ?? []));
  toEnd();
  say();
}

function take(event) {
  last = event.lastEventId;
  began = true;
  problem = "";
  const entries = JSON.parse(event.data);
  if (event.type === "fresh") {
    kept = [];
    held = [];
    log.replaceChildren();
  } else if (paused) {
    held = [...held, ...entries].slice(-MOST);
    return say();
  }
  add(entries);
}

function open() {
  if (source) return;
  source = new EventSource(`/web/logs?after=${encodeURIComponent(last)}`);
  source.addEventListener("fresh", take);
  source.addEventListener("more", take);
  source.onopen = () => {
    problem = "";
    say();
  };
  source.onerror = async () => {
    problem = t("logs.lost");
    say();
    if (source?.readyState !== EventSource.CLOSED) return;
    close();
    const answer = await fetch("/web/who").catch(() => null);
    if (answer?.status === 401) return leave();
    if (answer?.ok) await renew();
    setTimeout(() => document.hidden || open(), 2000);
  };
}

function close() {
  source?.close();
  source = null;
}

pause.addEventListener("click", () => {
  paused = !paused;
  const late = held;
  if (!paused) held = [];
  if (!paused && late.length) add(late);
  else say();
});
follow.addEventListener("change", () => {
  toEnd();
  say();
});
end.addEventListener("click", () => {
  follow.checked = true;
  toEnd();
  say();
});
// who scrolls up wants to read, who comes back to the end wants to follow
let top = 0;
log.addEventListener("scroll", () => {
  const atEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 8;
  if (log.scrollTop < top - 4 && !atEnd && follow.checked) {
    follow.checked = false;
    say();
  } else if (atEnd && !follow.checked && log.scrollTop > top) {
    follow.checked = true;
    say();
  }
  top = log.scrollTop;
});
// what somebody unfolds shall stay where it is
log.addEventListener(
  "toggle",
  (event) => {
    if (!event.target.open || !follow.checked) return;
    follow.checked = false;
    say();
  },
  true,
);
wrap.addEventListener("change", () => {
  const { left, top } = log.getBoundingClientRect();
  const seen = document.elementFromPoint(left + 20, top + 12)?.closest(".line");
  log.classList.toggle("wraps", wrap.checked);
  if (follow.checked) toEnd();
  else seen?.scrollIntoView({ block: "start" });
});
level.addEventListener("change", redraw);
words.addEventListener("input", redraw);
document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
window.addEventListener("pagehide", close);
window.addEventListener("pageshow", () => document.hidden || open());
say();
if (!document.hidden) open();
