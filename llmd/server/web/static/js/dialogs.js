// Dialogs: `data-opens="ID"` opens one, `data-closes` closes the one around it, `data-copy` copies.
// What a call refuses is told at the field that it is about, or at the top of its form; a form is as
// new each time it is opened. A dialog with a secret that is shown once does not go by mistake.
import { t } from "./base.js";

const kept = new WeakMap();

export function open(dialog) {
  if (!kept.has(dialog)) kept.set(dialog, dialog.cloneNode(true));
  dialog.showModal();
}

function close(dialog, sure) {
  if (!sure && secret(dialog)) return warn(dialog);
  dialog.close();
}

const secret = (dialog) => dialog.querySelector("[data-secret]:not(.copied)");

function warn(dialog) {
  wrong(dialog.querySelector("[data-secret]"), t("people.keep_first"));
}

/** Put what is wrong below a field, or another one in its place. */
function wrong(beside, text) {
  const field = beside.closest(".input") ?? beside;
  const next = field.nextElementSibling;
  const line = next?.matches(".error") ? next : document.createElement("span");
  line.className = "error";
  line.textContent = text;
  line.setAttribute("role", "alert");
  if (line !== next) field.after(line);
}

function clear(form) {
  for (const line of form.querySelectorAll(".error")) line.remove();
  for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
}

function tell(form, error) {
  clear(form);
  const text = `${error.message} ${error.hint ?? ""}`.trim();
  const name = error.param === form.dataset.tells ? "value" : error.param;
  const field = name && form.querySelector(`[name="${CSS.escape(name)}"]:not([type=hidden], :disabled)`);
  if (!field) {
    const line = document.createElement("p");
    line.className = "wrong error";
    line.textContent = text;
    line.setAttribute("role", "alert");
    return form.prepend(line);
  }
  field.setAttribute("aria-invalid", "true");
  if (field.type === "checkbox") wrong(field.closest("fieldset").lastElementChild, text);
  else wrong(field, text);
  field.focus();
}

async function copy(button) {
  const text = button.dataset.copy;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // pages over plain HTTP from another machine have no clipboard
    const box = document.createElement("textarea");
    box.value = text;
    button.after(box);
    box.select();
    document.execCommand("copy");
    box.remove();
  }
  button.closest("[data-secret]")?.classList.add("copied");
  const said = button.textContent;
  if (said === t("people.copied")) return;
  button.textContent = t("people.copied");
  setTimeout(() => (button.textContent = said), 1500);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-opens], [data-closes], [data-copy]");
  if (!button) return;
  if ("copy" in button.dataset) copy(button);
  else if ("opens" in button.dataset) open(document.getElementById(button.dataset.opens));
  else close(button.closest("dialog"), button.dataset.closes === "kept");
});
document.addEventListener(
  "cancel",
  (event) => {
    if (!event.target.matches?.("dialog") || !secret(event.target)) return;
    event.preventDefault();
    warn(event.target);
  },
  true,
);
document.addEventListener(
  "close",
  (event) => {
    const first = kept.get(event.target);
    if (!first) return;
    kept.delete(event.target);
    event.target.replaceWith(first);
    htmx.process(first);
    first.dispatchEvent(new CustomEvent("llmd:renewed", { bubbles: true }));
    document.querySelector(`[data-opens="${first.id}"]`)?.focus();
  },
  true,
);
// before the listener of every page, which tells it in a note: a dialog lies above those
document.body.addEventListener("htmx:responseError", (event) => {
  const form = event.detail.elt.closest("dialog form, form[data-tells]");
  const answer = event.detail.xhr;
  if (!form || answer.status === 401 || answer.responseText.includes('"stale_page"')) return;
  event.stopPropagation();
  try {
    tell(form, JSON.parse(answer.responseText).error);
  } catch {
    tell(form, { message: answer.statusText });
  }
});
document.body.addEventListener("htmx:beforeRequest", (event) => {
  const form = event.detail.elt.closest("form");
  if (form) clear(form);
});
document.addEventListener("DOMContentLoaded", () => {
  const asked = document.getElementById(location.hash.slice(1) || "none");
  if (asked?.matches("dialog")) open(asked);
});
