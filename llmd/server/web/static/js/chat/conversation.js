// The session that is shown: opened by the address of the page, followed while an answer comes. A turn
// that is left behind goes on, and is heard on so that its mark at the side goes when it ends.
import { call, note, t } from "../base.js";
import * as composer from "./composer.js";
import { keep, recall } from "./kept.js";
import * as log from "./log.js";
import { ready } from "./markdown.js";
import { textOf } from "./messages.js";
import { inherit } from "./parameters.js";
import * as sessions from "./sessions.js";
import { on, setTurn, state, tell, tellTabs } from "./state.js";
import { Stream } from "./stream.js";
import { parts } from "./texts.js";
import { Writing } from "./writing.js";

const MOST_BEHIND = 2;
const title = document.getElementById("title");
const waiting = document.getElementById("opening");
const announcer = document.getElementById("announcer");

let opening = 0;
/** What is being heard, by session. */
const heard = new Map();
/** The newest turn that was heard: one that failed is told of until something else is asked. */
let latest = "";

/** Changes whenever another conversation is shown. */
export const placeNow = () => opening;
export const isShown = (id) => state.session?.id === id;

function enter(session) {
  state.session = session;
  // what is left behind is heard on, but a browser has only so many connections
  const behind = [...heard.keys()].filter((id) => id !== session?.id);
  for (const id of behind.slice(0, Math.max(0, behind.length - MOST_BEHIND))) drop(id);
  setTurn(null);
  log.clear();
  tell("session", session);
  headline();
}

/** What a session is called until llmd gives it a title, with its first answer. */
export function provisional({ content, files }) {
  const told = parts(content, files);
  const names = told.files.map(({ name }) => name).join(", ");
  const line = (told.typed.trim() || names).split("\n")[0].slice(0, 160).replace(/\p{Cc}/gu, " ");
  return [...line].slice(0, 80).join(""); // no half characters
}

function headline() {
  const name = state.session ? state.session.title || t("chat.untitled") : t("chat.new");
  title.textContent = name;
  title.title = name;
  document.title = state.session ? `${name} \u00b7 llmd` : "llmd";
}

/** Begin anew: no session is made before something is said. */
export function fresh(address = "push") {
  opening += 1;
  if (address === "push" && location.search) history.pushState(null, "", "/");
  if (address === "replace") history.replaceState(null, "", "/");
  waiting.hidden = true;
  enter(null);
  composer.load(null);
  restore(null, []);
}

export async function open(id, address = "push") {
  const mine = (opening += 1);
  if (address === "push") history.pushState(null, "", `/?s=${encodeURIComponent(id)}`);
  enter({ id, title: "", model: "" });
  composer.load(id);
  const late = setTimeout(() => (waiting.hidden = mine !== opening), 150);
  try {
    const [found] = await Promise.all([call("GET", `/web/chat/sessions/${encodeURIComponent(id)}?limit=${log.page}`), ready]);
    if (mine === opening) show(found);
  } catch (error) {
    if (mine !== opening) return;
    note([error.message, error.hint].filter(Boolean).join(" "), true);
    if (error.status === 404) fresh("replace");
  } finally {
    clearTimeout(late);
    if (mine === opening) waiting.hidden = true;
  }
}

function show(found) {
  state.session = found.session;
  const asked = found.turn?.message;
  state.session.title ||= provisional({ content: asked?.content ?? "", files: asked?.info?.files });
  inherit(found.session.id, found.messages);
  tell("session", found.session);
  headline();
  log.show(found.messages, found.more);
  restore(found.session.id, found.messages, found.turn);
  if (found.turn) resume(found);
}

/** Put back what was asked when the page was left, unless llmd has it. */
function restore(session, messages, turn = null) {
  const last = messages.findLast((message) => message.role === "user");
  composer.dropSent(turn?.message?.content ?? last?.content);
  if (turn) return;
  const sending = recall("sending", session);
  keep("sending", session, null);
  if (!sending || has(messages, sending)) return;
  composer.put(sending);
  composer.tellTrouble({ message: t("chat.put_back"), hint: "" });
}

const has = (messages, { content }) =>
  messages.some((message) => message.role === "user" && message.content === content);

function resume({ session, messages, turn }) {
  drop(session.id);
  const asked = turn.message;
  if (asked && typeof asked === "object" && messages.at(-1)?.id !== asked.id) log.add(asked);
  // an answer that is written again stands there in its earlier version
  const again = turn.again && log.last(".answer");
  const writing = new Writing(again || undefined);
  if (!again) log.add(writing.article);
  log.toBottom();
  follow(session.id, turn.id, writing);
}

/** Hear a turn to its end. */
export function follow(session, turn, writing) {
  drop(session);
  latest = turn;
  sessions.markRunning(session, true);
  const ended = (kind, data, answer) => {
    heard.delete(session);
    writing[kind](data);
    // a question that was not kept may be asked again, by a page that is loaded anew as well
    if (kind === "done" || data.kept) keep("sending", session, null);
    if (isShown(session)) log.identify([data.question, answer].filter(Boolean));
    settle(session, writing);
  };
  const stream = new Stream(session, turn, {
    state: (data) => writing.state(data),
    reasoning: (data) => writing.reasoning(data),
    text: (data) => writing.text(data),
    tool: (data) => writing.tool(data),
    away: () => writing.away(),
    back: () => writing.back(),
    done: (data) => ended("done", data, data.message),
    failed: (data) => ended("failed", data, data.answer),
    over: (found) => over(session, turn, writing, found),
  });
  heard.set(session, stream);
  if (isShown(session)) setTurn(turn);
}

function drop(session) {
  heard.get(session)?.close();
  heard.delete(session);
}

/** The turn ended unheard, with the daemon perhaps: show what was kept, or else what had come. */
function over(session, turn, writing, found) {
  heard.delete(session);
  sessions.markRunning(session, false);
  if (!isShown(session)) return;
  setTurn(null);
  if (!found) return fresh("replace");
  const asked = recall("sending", session);
  if (asked && !found.turn && !has(found.messages, asked)) {
    return writing.failed({ message: t("chat.cut_off"), hint: "" });
  }
  show(found);
  if (!found.turn && found.messages.at(-1)?.info?.turn !== turn) note(t("chat.cut_off"), true);
}

/** Take what llmd kept of a turn: the ids of its messages, and the title it gave. */
async function settle(session, writing) {
  sessions.markRunning(session, false);
  tellTabs("turn", session);
  tell("answered");
  if (isShown(session)) {
    setTurn(null);
    if (!("failed" in writing.article.dataset)) announcer.textContent = t("chat.finished", { text: textOf(writing.article).slice(0, 600) });
  }
  try {
    const found = await call("GET", `/web/chat/sessions/${session}?limit=1`);
    sessions.update(found.session);
    if (!isShown(session)) return;
    state.session = found.session;
    headline();
  } catch (error) {
    if (error.status !== 404) note(error.message, true);
  }
}

/** Look whether somebody else went on with the session that is shown. */
async function look() {
  const id = state.session?.id;
  if (!id || state.turn !== null) return;
  const mine = opening;
  const found = await call("GET", `/web/chat/sessions/${id}?limit=${log.page}`).catch(() => null);
  if (!found || mine !== opening || state.turn !== null) return;
  if (found.turn?.id === latest) return;
  if (found.turn || found.messages.at(-1)?.id !== log.newest()) show(found);
}

on("elsewhere", ({ kind, session }) => {
  sessions.reload();
  if (kind === "deleted" && isShown(session)) fresh("replace");
  else if (kind === "turn" && isShown(session)) look();
});
on("renamed", (session) => {
  if (!isShown(session.id)) return;
  state.session = { ...state.session, title: session.title };
  headline();
});
on("deleted", (id) => {
  drop(id);
  if (isShown(id)) fresh("replace");
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  sessions.reload();
  look();
});
