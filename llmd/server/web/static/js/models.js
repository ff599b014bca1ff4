// The pages about models: dialogs that the server fills, menus beside their buttons, plans that
// follow the form. What changes by itself comes through regions.
const dialog = document.getElementById("dialog");
const body = document.getElementById("dialog-body");
const awaited = document.getElementById("dialog-awaited");
const PATIENCE = 250;
let opener = null;
let asked = null;

/** Show what was put into the dialog; the menu it came from closes. */
function show() {
  document.querySelector("[popover]:popover-open")?.hidePopover();
  if (!dialog.open) dialog.showModal();
  const first = ["[autofocus]", "input:checked", "form input:not([type=hidden])", "button"];
  first.map((what) => body.querySelector(what)).find(Boolean)?.focus();
}

/** Nothing comes into the dialog; the note that says so would lie behind it. */
function fail() {
  settled();
  close();
}

function close() {
  if (dialog.open) dialog.close();
}

/** Say in the dialog that it is on its way, when its request takes more than a moment. */
function waitFor(xhr) {
  settled()?.abort();
  const timer = setTimeout(() => {
    body.replaceChildren(awaited.content.cloneNode(true));
    show();
  }, PATIENCE);
  asked = { xhr, timer };
}

/** Wait no longer; returns the request that was waited for. */
function settled() {
  const xhr = asked?.xhr;
  clearTimeout(asked?.timer);
  asked = null;
  return xhr;
}

dialog.addEventListener("close", () => {
  settled()?.abort();
  body.replaceChildren();
  if (opener?.isConnected) opener.focus();
});
dialog.addEventListener("click", (event) => {
  if (event.target === dialog || event.target.closest("[data-close]")) close();
});

document.addEventListener("htmx:beforeRequest", (event) => {
  const from = event.detail.elt;
  if (dialog.contains(from)) return;
  const menu = from.closest("[popover]");
  opener = menu ? document.querySelector(`[popovertarget="${menu.id}"]`) : from;
  if (menu) menu.hidePopover();
  if (event.detail.target === body) waitFor(event.detail.xhr);
});
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target !== body) return;
  settled();
  show();
});
document.addEventListener("htmx:afterRequest", (event) => {
  const { elt, xhr, successful } = event.detail;
  if (xhr === asked?.xhr) fail();
  if (successful && xhr.status === 204 && dialog.contains(elt)) close();
});

/** Tell in the dialog what its request came to: notes would lie behind it. */
function tell(event) {
  const place = body.querySelector("[data-wrong]");
  if (!dialog.open || !dialog.contains(event.detail.elt) || !place) return;
  if (event.detail.xhr.status === 401) return;
  event.stopPropagation();
  let wrong;
  try {
    wrong = JSON.parse(event.detail.xhr.responseText).error;
  } catch {
    wrong = { message: event.detail.xhr.statusText || document.documentElement.dataset.offline, hint: "" };
  }
  place.textContent = `${wrong.message} ${wrong.hint ?? ""}`.trim();
  place.hidden = false;
  place.scrollIntoView({ block: "nearest" });
  const field = wrong.param && body.querySelector(`[name="${CSS.escape(wrong.param)}"]`);
  if (field) field.focus();
}
document.addEventListener("htmx:responseError", (event) => {
  if (event.detail.xhr === asked?.xhr) fail();
  tell(event);
}, true);

document.addEventListener("input", (event) => {
  const place = event.target.closest("#dialog-body") && body.querySelector("[data-wrong]");
  if (place) place.hidden = true;
});

// a remedy of a plan is put into the form, which is planned anew
document.addEventListener("click", (event) => {
  const remedy = event.target.closest("[data-options]");
  if (!remedy) return;
  const form = remedy.closest("form");
  for (const [name, value] of Object.entries(JSON.parse(remedy.dataset.options))) {
    const field = form.elements.namedItem(name);
    if (!field) continue;
    field.value = Array.isArray(value) ? value.join(",") : String(value);
    field.closest("details")?.setAttribute("open", "");
  }
  htmx.trigger(form.querySelector("[hx-trigger]"), "replan");
});

// a type that must be forced may be chosen once that is said
document.addEventListener("change", (event) => {
  if (event.target.name !== "type" || !("refused" in event.target.dataset)) return;
  const force = event.target.form.elements.namedItem("requantize");
  if (force && !force.checked) force.focus();
});

// menus stand under their buttons, or above where the window ends
function place(menu) {
  const button = document.querySelector(`[popovertarget="${menu.id}"]`).getBoundingClientRect();
  const below = button.bottom + menu.offsetHeight + 8 < window.innerHeight;
  const top = below ? button.bottom + 4 : button.top - menu.offsetHeight - 4;
  const left = Math.min(button.right, window.innerWidth - 8) - menu.offsetWidth;
  menu.style.top = `${Math.max(8, top)}px`;
  menu.style.left = `${Math.max(8, left)}px`;
}

document.addEventListener("toggle", (event) => {
  const menu = event.target;
  if (!menu.matches?.("[popover]") || event.newState !== "open") return;
  place(menu);
  menu.querySelector("a, button")?.focus({ preventScroll: true });
}, true);
for (const moved of ["scroll", "resize"]) {
  window.addEventListener(moved, () => {
    const menu = document.querySelector("[popover]:popover-open");
    if (menu?.isConnected) place(menu);
  }, { passive: true });
}

// a page about a model that is gone has nothing more to show
document.addEventListener("models:gone", (event) => {
  const about = document.querySelector("[data-model]");
  if (about && about.dataset.model === event.detail.value) location.assign("/admin/models");
});
