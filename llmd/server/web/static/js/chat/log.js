// The messages of a session, the newest page first; older ones are fetched when one scrolls up to
// them. The end stays in sight only while the reader is there.
import { call, note } from "../base.js";
import { state } from "./state.js";
import { build, learn, messageOf } from "./messages.js";

const PAGE = 60;
const log = document.getElementById("log");
const scroller = document.getElementById("scroller");
const older = document.getElementById("older");
const toEnd = document.getElementById("to-end");

let pinned = true;
let lastTop = 0;
let fetching = false;

export const page = PAGE;
export const last = (selector = ".message") => [...log.querySelectorAll(`:scope > ${selector}`)].at(-1) ?? null;
export const isEmpty = () => !log.firstElementChild;

export function clear() {
  log.replaceChildren();
  older.hidden = true;
  pinned = true;
}

export function show(messages, more) {
  log.replaceChildren(...messages.map(build));
  older.hidden = !more;
  toBottom();
}

/** Append a message (or an element of one) and return its element. */
export function add(message) {
  const article = message instanceof Element ? message : build(message);
  log.append(article);
  return article;
}

export function toBottom() {
  pinned = true;
  scroller.scrollTop = scroller.scrollHeight;
  mark();
}

/** Give the newest messages the ids under which they were kept. */
export function identify(messages) {
  const articles = [...log.querySelectorAll(":scope > .message:not([data-failed])")];
  for (const message of messages.toReversed()) {
    const article = articles.pop();
    const shown = article && messageOf(article);
    if (!shown || shown.role !== message.role) return;
    if (!shown.id && shown.content === message.content) learn(article, { ...shown, ...message });
  }
}

/** Return the id of the newest message that is shown and kept. */
export const newest = () => messageOf(last())?.id ?? null;

function mark() {
  toEnd.hidden = pinned || isEmpty();
}

scroller.addEventListener(
  "scroll",
  () => {
    const left = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
    if (left < 40) pinned = true;
    // what grows below moves nothing: only the reader scrolls up
    else if (scroller.scrollTop < lastTop - 2) pinned = false;
    lastTop = scroller.scrollTop;
    mark();
  },
  { passive: true },
);
new ResizeObserver(() => pinned && toBottom()).observe(log);
new ResizeObserver(() => pinned && toBottom()).observe(scroller);
toEnd.addEventListener("click", toBottom);

async function fetchOlder() {
  const session = state.session?.id;
  const first = messageOf(log.firstElementChild)?.id;
  if (fetching || older.hidden || !session || !first) return;
  fetching = true;
  try {
    const path = `/web/chat/sessions/${session}?limit=${PAGE}&before=${encodeURIComponent(first)}`;
    const found = await call("GET", path);
    if (state.session?.id !== session) return;
    older.hidden = !found.more;
    prepend(found.messages.map(build));
  } catch (error) {
    note(error.message, true);
  } finally {
    fetching = false;
    // it is told only when it comes into sight: it may be still, since little was fetched
    watcher.unobserve(older);
    watcher.observe(older);
  }
}

function prepend(articles) {
  const below = scroller.scrollHeight - scroller.scrollTop;
  scroller.style.overflowAnchor = "none"; // the browser would move it too
  log.prepend(...articles);
  scroller.scrollTop = scroller.scrollHeight - below;
  lastTop = scroller.scrollTop;
  requestAnimationFrame(() => (scroller.style.overflowAnchor = ""));
}

const watcher = new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && fetchOlder(), {
  root: scroller,
  rootMargin: "800px 0px 0px 0px",
});
watcher.observe(older);
