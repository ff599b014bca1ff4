// How answers are wished: only what differs from the model's own defaults is sent, and each session
// keeps its own.
import { t } from "../base.js";
import { keep, recall } from "./kept.js";
import { open } from "./dialogs.js";
import { chosen, on, state } from "./state.js";
import { fraction } from "./wording.js";

const form = document.getElementById("parameter-form");
const changed = document.getElementById("changed");
const fields = [...form.elements].filter((field) => field.name);

/** Return what a request carries. */
export function wanted() {
  return recall("parameters", state.session?.id ?? null) ?? {};
}

/** Another browser begins with what the last answer was made with. */
export function inherit(session, messages) {
  if (recall("parameters", session)) return;
  const made = messages.findLast((message) => message.role === "assistant")?.info?.parameters;
  if (made) keep("parameters", session, made);
}

function read() {
  const found = {};
  for (const field of fields) {
    const valid = field.checkValidity();
    field.setAttribute("aria-invalid", String(!valid));
    const text = field.value.trim();
    if (valid && text) found[field.name] = field.type === "number" ? Number(text) : field.value;
  }
  return found;
}

function show() {
  const kept = wanted();
  for (const field of fields) {
    field.value = kept[field.name] ?? "";
    field.setAttribute("aria-invalid", "false");
  }
  mark();
}

function mark() {
  const count = Object.keys(wanted()).length;
  changed.hidden = !count;
  changed.textContent = count;
  document.getElementById("open-parameters").setAttribute(
    "aria-label",
    count ? t("chat.parameters_changed", { count }) : t("chat.parameters"),
  );
}

/** Say what counts where a field is left empty. */
function tellDefaults() {
  const usual = chosen()?.defaults ?? {};
  for (const told of form.querySelectorAll("[data-default]")) {
    const value = usual[told.dataset.default];
    const known = typeof value === "number" && !(told.dataset.default === "max_tokens" && value === 0);
    told.textContent = known ? t("chat.default_is", { value: fraction(value) }) : t(`chat.default_${told.dataset.default}`);
    form.elements[told.dataset.default].placeholder = known ? String(value) : "";
  }
  const system = form.elements.system;
  system.placeholder = chosen()?.system || t("chat.default_system");
}

function save() {
  const found = read();
  keep("parameters", state.session?.id ?? null, found);
  mark();
}

form.addEventListener("input", save);
document.getElementById("reset").addEventListener("click", () => {
  for (const field of fields) field.value = "";
  save();
});
document.getElementById("open-parameters").addEventListener("click", () => open("parameters"));
// nothing invalid stays behind unseen
document.getElementById("parameters").addEventListener("close", show);
on("session", show);
on("model", tellDefaults);
