// What the reader asks for: sending, asking again, going on, another branch, stopping. What is sent
// has an id of its own, so that sending it twice asks once.
import { call, note, t } from "../base.js";
import * as composer from "./composer.js";
import { follow, isShown, open, placeNow, provisional } from "./conversation.js";
import { keep, recall } from "./kept.js";
import * as log from "./log.js";
import { messageOf } from "./messages.js";
import { wanted } from "./parameters.js";
import { asUrl } from "./pictures.js";
import * as sessions from "./sessions.js";
import { setTurn, state, tell, tellTabs } from "./state.js";
import { parts, written } from "./texts.js";
import { Writing } from "./writing.js";

/** Whether the turn that is being asked for shall be stopped as soon as it is known. */
let stopSoon = false;

export async function send(said = composer.take()) {
  if (!said || state.turn !== null) return;
  setTurn("");
  const order = { ...said, model: state.model, parameters: wanted(), again: false };
  const { content, images, files } = said;
  const asked = log.add({ role: "user", content, images, info: { files }, created_at: Date.now() / 1000 });
  const writing = new Writing();
  log.add(writing.article);
  log.toBottom();
  let session = state.session?.id ?? null;
  keepSending(session, said);
  try {
    session ??= await settleDown(said);
    await begin(session, writing, order);
  } catch (error) {
    keep("sending", session, null);
    asked.remove();
    writing.article.remove();
    refuse(session, said, error);
  }
}

/** Until llmd has it; a browser keeps some megabytes, so pictures may have to stay out. */
function keepSending(session, said) {
  if (!keep("sending", session, said)) keep("sending", session, { ...said, images: [] });
}

/** Make the session of a conversation that had none. */
async function settleDown(said) {
  const place = placeNow();
  const name = provisional(said);
  // llmd takes the first words of the message, which are those of a file here
  const made = await call("POST", "/web/chat/sessions", { model: state.model, title: said.files?.length ? name : "" });
  keep("sending", null, null);
  keepSending(made.id, said);
  Object.assign(made, { title: name });
  sessions.update({ ...made, running: true });
  if (place !== placeNow()) return made.id; // the reader went elsewhere meanwhile
  composer.settleIn(made.id);
  state.session = made;
  history.pushState(null, "", `/?s=${encodeURIComponent(made.id)}`);
  tell("session", made);
  return made.id;
}

async function begin(session, writing, { request, model, ...order }) {
  stopSoon = false;
  const body = { ...order, model: model || null, request_id: request };
  const { turn } = await call("POST", `/web/chat/sessions/${session}/turns`, body);
  tellTabs("turn", session);
  follow(session, turn, writing);
  if (stopSoon) await stop(turn);
}

function refuse(session, said, error) {
  if (isShown(session) || (!session && !state.session)) {
    setTurn(null);
    composer.put(said);
    composer.tellTrouble(error);
    return;
  }
  composer.putAway(session, said);
  note(error.message, true);
}

/** Have the last answer written anew. */
export async function again(article = log.last(".answer")) {
  const session = state.session?.id;
  if (!article || !session || state.turn !== null) return;
  setTurn("");
  const writing = new Writing(article);
  try {
    const order = { content: "", images: [], model: state.model, parameters: wanted(), again: true };
    await begin(session, writing, { ...order, request: composer.newId() });
  } catch (error) {
    writing.restore();
    setTurn(null);
    composer.tellTrouble(error);
  }
}

/** Try again what failed: another answer where there is one, else the question, which was not kept. */
export async function retry(article) {
  if (!state.session || state.turn !== null) return;
  if (article.dataset.failed === "answer") return again(article);
  const asked = log.last(".user");
  const question = messageOf(asked);
  article.remove();
  asked.remove();
  const { content, images = [], info } = question;
  return send({ content, images, files: info?.files ?? [], request: composer.newId() });
}

export const goOn = () => send({ content: t("chat.go_on_words"), images: [], request: composer.newId() });

/** Ask something else in the place of one of one's own messages: in a session of its own. */
export async function branch(message, text) {
  const old = state.session;
  const parameters = recall("parameters", old.id);
  const model = recall("model", old.id);
  const images = await Promise.all((message.images ?? []).map(asUrl));
  const made = await call("POST", `/web/chat/sessions/${old.id}/branch`, { before: message.id });
  if (parameters) keep("parameters", made.id, parameters);
  if (model) keep("model", made.id, model);
  sessions.update(made);
  tellTabs("list", made.id);
  await open(made.id);
  tellBranch(old);
  const { files } = parts(message.content, message.info?.files);
  await send({ ...written(files, text), images, request: composer.newId() });
}

function tellBranch(old) {
  const line = note(`${t("chat.branched", { title: old.title || t("chat.untitled") })} `);
  const link = document.createElement("a");
  link.href = `/?s=${encodeURIComponent(old.id)}`;
  link.dataset.session = old.id;
  link.textContent = t("chat.branched_back");
  line.append(link);
}

export async function stop(turn = state.turn) {
  if (turn === "") stopSoon = true;
  if (!turn) return;
  try {
    await call("POST", `/web/chat/turns/${encodeURIComponent(turn)}/stop`);
  } catch (error) {
    if (error.status !== 404) note(error.message, true); // it had ended already
  }
}
