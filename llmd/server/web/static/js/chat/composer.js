// Where one writes. What is typed is kept with each key, and what is sent is kept until llmd has it.
import { note, t } from "../base.js";
import { keep, move, recall } from "./kept.js";
import { pictures, seen, setPictures, sightless, whenChanged } from "./pictures.js";
import { on, state } from "./state.js";

const form = document.getElementById("composer");
const say = document.getElementById("say");
const send = document.getElementById("send");
const stop = document.getElementById("stop");
const trouble = document.getElementById("trouble");
const touch = window.matchMedia("(hover: none) and (pointer: coarse)");

/** Id of what was put back after it could not be sent: sent again as it is, it is asked once. */
let request = "";
let sentAs = "";
/** Whether something was sent before it is known which models there are: it goes as soon as it is. */
let early = false;

export const focus = () => say.focus();

/** Whether a key sends what is written: Enter does, but soft keyboards have no Shift+Enter for lines. */
export function sends(event) {
  // an input method takes Enter for itself; 229 is what some browsers say instead
  const composing = event.isComposing || event.keyCode === 229;
  return event.key === "Enter" && !event.shiftKey && !composing && !touch.matches;
}

export const isEmpty = () => !say.value.trim() && !pictures().length;

function draw() {
  say.style.height = "auto";
  say.style.height = `${Math.min(say.scrollHeight + 2, window.innerHeight * 0.4)}px`;
  send.disabled = isEmpty() || !state.model;
}

function save() {
  const id = say.value === sentAs ? request : "";
  const draft = { text: say.value, images: pictures(), request: id };
  const session = state.session?.id ?? null;
  if (isEmpty()) keep("draft", session, null);
  // a browser keeps some megabytes: the text alone where pictures do not fit
  else if (!keep("draft", session, draft)) keep("draft", session, { ...draft, images: [] });
}

/** Show what was being written in a session. */
export function load(session) {
  const draft = recall("draft", session);
  early = false;
  say.value = draft?.text ?? "";
  [request, sentAs] = [draft?.request ?? "", say.value];
  setPictures(draft?.images ?? []);
  hideTrouble();
  draw();
}

/** Take what is to be sent, or return null and say why it cannot be. */
export function take() {
  if (isEmpty()) return null;
  early = state.models === null;
  if (!state.model) return null;
  if (pictures().length && !seen()) {
    tellTrouble({ message: sightless(), hint: t("chat.remove_pictures") });
    return null;
  }
  const text = say.value;
  const said = { content: text, images: pictures(), request: request && text === sentAs ? request : newId() };
  say.value = "";
  setPictures([]);
  request = "";
  hideTrouble();
  save();
  draw();
  return said;
}

/** Put back what could not be sent, before what was written since. */
export function put({ content, images, request: id }) {
  const since = say.value.trim() ? `\n${say.value}` : "";
  say.value = content + since;
  if (images?.length) setPictures(images);
  [request, sentAs] = [id, say.value];
  save();
  draw();
}

/** What could not be sent was, after all, where it is what was said last. */
export function dropSent(content) {
  if (!request || content === undefined || say.value !== content) return;
  say.value = "";
  setPictures([]);
  request = "";
  save();
  draw();
}

export function fill(text) {
  say.value = text;
  save();
  draw();
}

export function tellTrouble({ message, hint }) {
  trouble.querySelector("b").textContent = message;
  trouble.querySelector("span").textContent = hint ?? "";
  trouble.hidden = false;
}

export function hideTrouble() {
  trouble.hidden = true;
}

/** A new conversation has its session now. */
export const settleIn = (session) => ["draft", "parameters", "model"].forEach((kind) => move(kind, session));

export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16)); // randomUUID is not there over plain HTTP
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

say.addEventListener("input", () => {
  early = false;
  draw();
  save();
});
say.addEventListener("keydown", (event) => {
  if (!sends(event)) return;
  event.preventDefault();
  if (state.turn !== null && !isEmpty()) note(t("chat.busy"));
  else form.requestSubmit(send.disabled ? null : send);
});
trouble.querySelector("button").addEventListener("click", hideTrouble);
whenChanged(() => {
  draw();
  save();
});
on("turn", (turn) => {
  const running = turn !== null;
  const had = document.activeElement === (running ? send : stop);
  send.hidden = running;
  stop.hidden = !running;
  if (had) (running ? stop : say).focus();
});
on("model", draw);
on("models", () => {
  if (early) form.requestSubmit();
  early = false;
});
window.addEventListener("resize", draw);
