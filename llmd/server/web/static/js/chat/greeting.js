// What stands on an empty page: which model answers, what it can do, and something to begin with.
import { t } from "../base.js";
import { on, chosen, state } from "./state.js";
import { isEmpty } from "./log.js";
import { room, size } from "./wording.js";

const greeting = document.getElementById("greeting");
const SMALL = 200_000_000;

export function greet() {
  const shown = state.session === null && isEmpty();
  greeting.hidden = !shown;
  if (!shown || !state.models) return;
  const model = chosen();
  document.getElementById("hello").hidden = !model;
  document.getElementById("able").hidden = !model;
  document.getElementById("unable").hidden = Boolean(model);
  if (!model) return;
  document.getElementById("model-name").textContent = model.name;
  document.getElementById("abilities").replaceChildren(...abilities(model).map(item));
  document.getElementById("examples").replaceChildren(...examples(model).map(example));
}

function abilities(model) {
  return [
    model.vision && t("chat.able_vision"),
    model.reasoning && t("chat.able_reasoning"),
    model.context_length && t("chat.able_context", { room: room(model.context_length) }),
    model.size && size(model.size),
    model.loaded ? t("chat.able_loaded") : t("chat.able_unloaded"),
  ].filter(Boolean);
}

/** A small model knows facts and sums, larger ones are asked for more. */
function examples(model) {
  const kind = model.size && model.size < SMALL ? "small" : "large";
  return [1, 2, 3, 4].map((number) => t(`chat.example_${kind}_${number}`));
}

function item(text) {
  const made = document.createElement("li");
  made.textContent = text;
  return made;
}

function example(text) {
  const made = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = text;
  button.dataset.example = text;
  made.append(button);
  return made;
}

for (const what of ["models", "model", "session", "turn"]) on(what, greet);
