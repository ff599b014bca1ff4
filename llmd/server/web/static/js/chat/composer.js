// Where one writes. What is typed is kept with each key, and what is sent is kept until llmd has it.
import { note, t } from "../base.js";
import * as attachments from "./attachments.js";
import { keep, move, recall } from "./kept.js";
import { seen, sightless } from "./pictures.js";
import { on, state } from "./state.js";
import { parts, written } from "./texts.js";

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

export const isEmpty = () => !say.value.trim() && attachments.isEmpty();
/** What would be sent now: {content, files, images}. */
const whole = () => ({ ...written(attachments.attached().files, say.value), images: attachments.attached().images });

function draw() {
  say.style.height = "auto";
  say.style.height = `${Math.min(say.scrollHeight + 2, window.innerHeight * 0.4)}px`;
  send.disabled = isEmpty() || !state.model;
}

function save() {
  const id = request && whole().content === sentAs ? request : "";
  keep("draft", state.session?.id ?? null, isEmpty() ? null : { text: say.value, request: id });
}

/** Keep what is attached, which is too much to be written with each key. */
function saveAttached(session = state.session?.id ?? null, given = attachments.attached()) {
  const none = !given.images.length && !given.files.length;
  // a browser keeps some megabytes: the text alone where the rest does not fit
  if (!keep("attached", session, none ? null : given)) keep("attached", session, null);
}

function change(text, given = {}) {
  say.value = text;
  attachments.attach(given);
  save();
  saveAttached();
  draw();
}

/** Show what was being written in a session. */
export function load(session) {
  const draft = recall("draft", session);
  early = false;
  say.value = draft?.text ?? "";
  attachments.attach(recall("attached", session) ?? {});
  [request, sentAs] = [draft?.request ?? "", whole().content];
  hideTrouble();
  draw();
}

/** Take what is to be sent, or return null and say why it cannot be. */
export function take() {
  if (isEmpty()) return null;
  early = state.models === null;
  if (!state.model) return null;
  const said = whole();
  if (said.images.length && !seen()) {
    tellTrouble({ message: sightless(), hint: t("chat.remove_pictures") });
    return null;
  }
  const id = request && said.content === sentAs ? request : newId();
  request = "";
  hideTrouble();
  change("");
  return { ...said, request: id };
}

/** Put back what could not be sent, before what was written since. */
export function put({ content, files, images, request: id }) {
  const { typed, files: texts } = parts(content, files);
  const since = attachments.attached();
  [request, sentAs] = [id, content];
  change(say.value.trim() ? `${typed}\n${say.value}` : typed, {
    images: [...(images ?? []), ...since.images],
    files: [...texts, ...since.files],
  });
}

/** Put back what could not be sent in a session that is not shown. */
export function putAway(session, { content, files, images }) {
  const { typed, files: texts } = parts(content, files);
  keep("draft", session, { text: typed, request: "" });
  saveAttached(session, { images: images ?? [], files: texts });
}

/** What could not be sent was, after all, where it is what was said last. */
export function dropSent(content) {
  if (!request || content === undefined || whole().content !== content) return;
  request = "";
  change("");
}

export const fill = (text) => change(text, attachments.attached());

export function tellTrouble({ message, hint }) {
  trouble.querySelector("b").textContent = message;
  trouble.querySelector("span").textContent = hint ?? "";
  trouble.hidden = false;
}

export function hideTrouble() {
  trouble.hidden = true;
}

/** A new conversation has its session now. */
export const settleIn = (session) => ["draft", "attached", "parameters", "model"].forEach((kind) => move(kind, session));

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
attachments.whenChanged(() => {
  draw();
  save();
  saveAttached();
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
