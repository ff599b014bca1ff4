// Which model answers: the one chosen for a session, else the one that answered last, else the
// default. It may be switched at any time; it counts from the next answer on.
import { call, note, t } from "../base.js";
import { keep, recall } from "./kept.js";
import { chosen, on, state, tell } from "./state.js";

const choice = document.getElementById("model");
let usual = "";

export async function load() {
  const found = await call("GET", "/web/chat/models");
  state.models = found.models;
  usual = found.default || found.models.find((model) => model.default)?.name || found.models[0]?.name || "";
  fill();
  pick();
  tell("models");
}

function fill() {
  choice.replaceChildren(...state.models.map(option));
  choice.disabled = !state.models.length;
  choice.hidden = !state.models.length;
}

function option(model) {
  const made = new Option(model.name, model.name);
  if (model.loaded) made.textContent = t("chat.model_loaded", { model: model.name });
  return made;
}

function pick() {
  if (!state.models) return;
  const session = state.session;
  const has = (name) => state.models.some((model) => model.name === name);
  const wanted = [recall("model", session?.id), session?.model, usual].find((name) => name && has(name));
  state.model = wanted ?? "";
  choice.value = state.model;
  choice.title = state.model;
  tell("model");
}

choice.addEventListener("change", () => {
  state.model = choice.value;
  keep("model", state.session?.id ?? null, choice.value);
  choice.title = state.model;
  tell("model");
});
on("session", pick);
// a model that was asked for is loaded after its answer, and others may have left for it
on("answered", () => chosen()?.loaded || load().catch((error) => note(error.message, true)));
