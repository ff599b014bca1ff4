// Users and keys: forms that follow what was chosen in them.
import { t } from "./base.js";
import "./dialogs.js";

/** Ask for a password only where none is made, and for the same one twice. */
function passwords(form) {
  const typed = form.querySelector(".typed");
  if (!typed) return;
  typed.hidden = form.elements.made.value === "true";
  for (const field of typed.querySelectorAll("input")) field.disabled = typed.hidden;
}

function same(form) {
  const { password, again } = form.elements;
  if (!again) return;
  again.setCustomValidity(password.value === again.value ? "" : t("people.users.password_differs"));
}

/** Offer the scopes that the chosen user may have. */
function scopes(form) {
  const chosen = form.elements.user?.selectedOptions?.[0];
  if (!chosen) return;
  const may = new Set(chosen.dataset.scopes.split(" "));
  for (const box of form.querySelectorAll('input[name="scopes"]')) {
    box.disabled = !may.has(box.value);
    if (box.disabled) box.checked = false;
  }
}

function term(form) {
  const chosen = form.querySelector("[data-term]");
  if (!chosen) return;
  const label = form.querySelector("[data-days]");
  const days = label.querySelector("input");
  label.hidden = chosen.value !== "other";
  if (label.hidden) days.value = chosen.value;
  days.required = !label.hidden;
}

function follow(form) {
  passwords(form);
  same(form);
  scopes(form);
  term(form);
}

document.addEventListener("input", (event) => event.target.form && same(event.target.form));
document.addEventListener("change", (event) => event.target.form && follow(event.target.form));
document.addEventListener("llmd:renewed", (event) => event.target.querySelectorAll("form").forEach(follow));
document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("dialog form").forEach(follow));
document.addEventListener("htmx:load", (event) => event.target.querySelectorAll?.("form").forEach(follow));
