// The conversations at the side: by day, searched on the server, renamed in place, deleted when asked.
import { call, note, t } from "../base.js";
import { confirmed } from "./dialogs.js";
import { isNarrow } from "./drawer.js";
import { forget } from "./kept.js";
import { on, state, tell, tellTabs } from "./state.js";
import { day } from "./wording.js";

const PAGE = 50;
const list = document.getElementById("session-list");
const none = document.getElementById("session-none");
const further = document.getElementById("session-more");
const search = document.getElementById("search");

let known = [];
let words = "";
let asked = 0;

export async function load(skip = 0) {
  const mine = ++asked;
  const query = new URLSearchParams({ skip, limit: PAGE, words });
  const found = await call("GET", `/web/chat/sessions?${query}`);
  if (mine !== asked) return; // something newer was asked for meanwhile
  const before = skip ? known : [];
  const there = new Set(before.map((one) => one.id));
  known = [...before, ...found.sessions.filter((one) => !there.has(one.id))];
  further.hidden = !found.more;
  draw();
}

export const reload = () => load().catch((error) => note(error.message, true));

/** Take what became of a session; it goes first when it is new or was added to. */
export function update(session) {
  const old = known.find((one) => one.id === session.id);
  if (!old && words) return;
  known = known.filter((one) => one !== old);
  known.push({ ...old, ...session });
  known.sort((one, other) => other.updated_at - one.updated_at);
  draw();
}

export function markRunning(id, running) {
  const session = known.find((one) => one.id === id);
  if (!session || session.running === running) return;
  session.running = running;
  draw();
}

function draw() {
  const focused = document.activeElement?.closest?.(".row-session");
  if (focused?.querySelector("input")) return; // a title is being written
  const [at, inside] = [focused?.dataset.id, focused && [...focused.children].indexOf(document.activeElement)];
  const groups = Map.groupBy ? Map.groupBy(known, by) : grouped(known);
  list.replaceChildren(...[...groups].flatMap(([name, sessions]) => group(name, sessions)));
  none.hidden = Boolean(known.length);
  none.textContent = words ? t("chat.none_found") : t("chat.none_yet");
  if (at) list.querySelector(`[data-id="${CSS.escape(at)}"]`)?.children[inside]?.focus();
}

const by = (session) => day(session.updated_at);

function grouped(sessions) {
  const groups = new Map();
  for (const one of sessions) groups.set(by(one), [...(groups.get(by(one)) ?? []), one]);
  return groups;
}

function group(name, sessions) {
  const heading = document.createElement("h2");
  heading.textContent = name;
  const rows = document.createElement("ul");
  rows.append(...sessions.map(row));
  return [heading, rows];
}

function row(session) {
  const made = document.getElementById("session-row").content.firstElementChild.cloneNode(true);
  made.dataset.id = session.id;
  const link = made.querySelector("a");
  link.href = `/?s=${encodeURIComponent(session.id)}`;
  link.querySelector(".name").textContent = session.title || t("chat.untitled");
  link.title = session.title;
  link.querySelector(".running").hidden = !session.running;
  if (session.id === state.session?.id) link.setAttribute("aria-current", "page");
  return made;
}

/** Let the title of a session be written in its place. */
export function rename(id) {
  const place = list.querySelector(`[data-id="${CSS.escape(id)}"]`);
  const session = known.find((one) => one.id === id);
  if (!place || !session || place.querySelector("input")) return;
  const field = document.createElement("input");
  field.value = session.title;
  field.maxLength = 1000;
  field.setAttribute("aria-label", t("chat.title_of"));
  const link = place.querySelector("a");
  link.hidden = true;
  link.before(field);
  field.select();
  let over = false;
  const end = async (save) => {
    if (over) return;
    over = true;
    const title = field.value.trim();
    field.remove();
    link.hidden = false;
    link.focus();
    if (save && title && title !== session.title) await retitle(session, title);
  };
  field.addEventListener("blur", () => end(true));
  field.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Enter" || event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      end(event.key === "Enter");
    }
  });
}

async function retitle(session, title) {
  try {
    const changed = await call("POST", `/web/chat/sessions/${session.id}`, { title });
    update(changed);
    tell("renamed", changed);
    tellTabs("list", session.id);
  } catch (error) {
    note(error.message, true);
  }
}

async function remove(id) {
  const session = known.find((one) => one.id === id);
  const title = session?.title || t("chat.untitled");
  if (!(await confirmed(t("chat.delete_title"), t("chat.delete_text", { title }), t("chat.delete")))) return;
  try {
    await call("DELETE", `/web/chat/sessions/${id}`);
  } catch (error) {
    if (error.status !== 404) return note(error.message, true);
  }
  known = known.filter((one) => one.id !== id);
  forget(id);
  draw();
  tell("deleted", id);
  tellTabs("deleted", id);
  if (!isNarrow()) document.getElementById("say").focus();
}

list.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-do]");
  const id = event.target.closest(".row-session")?.dataset.id;
  if (button?.dataset.do === "rename") rename(id);
  if (button?.dataset.do === "delete") remove(id);
});
list.addEventListener("dblclick", (event) => {
  const id = event.target.closest(".row-session a") && event.target.closest(".row-session").dataset.id;
  if (id) rename(id);
});
further.addEventListener("click", () => load(known.length).catch((error) => note(error.message, true)));
let soon;
search.addEventListener("input", () => {
  clearTimeout(soon);
  words = search.value.trim();
  soon = setTimeout(reload, 150);
});
on("session", draw);
