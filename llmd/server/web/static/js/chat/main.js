// The chat page: what clicks, keys and addresses do. The address names the session, so that reloading,
// going back and a second tab all show what they should.
import { note, t } from "../base.js";
import * as composer from "./composer.js";
import { fresh, open } from "./conversation.js";
import { open as openDialog } from "./dialogs.js";
import { closeDrawer, isNarrow, openDrawer } from "./drawer.js";
import { edit } from "./editing.js";
import "./greeting.js";
import { tidy } from "./kept.js";
import * as log from "./log.js";
import { messageOf, showVersion, textOf } from "./messages.js";
import * as models from "./models.js";
import "./parameters.js";
import { again, goOn, retry, send, stop } from "./sending.js";
import * as sessions from "./sessions.js";
import { on, state } from "./state.js";

const byAddress = () => new URLSearchParams(location.search).get("s");

function go(address) {
  const id = byAddress();
  if (id) open(id, address);
  else fresh(address);
}

async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    if (!copyOld(text)) return note(t("chat.no_copy"), true);
  }
  button.classList.add("copied");
  note(t("chat.copied"));
  setTimeout(() => button.classList.remove("copied"), 1500);
}

/** Pages over plain HTTP from another machine have no clipboard. */
function copyOld(text) {
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "sr";
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  return done;
}

const DOES = {
  copy: (article, button) => copy(textOf(article), button),
  "copy-code": (article, button) => copy(button.closest("figure").querySelector("code").textContent.replace(/\n$/, ""), button),
  again: (article) => again(article),
  retry: (article) => retry(article),
  go_on: () => goOn(),
  edit: (article) => edit(article),
  older: (article) => step(article, -1),
  newer: (article) => step(article, 1),
};

function step(article, by) {
  showVersion(article, Number(article.dataset.version) + by);
  article.querySelector(`[data-do="${by < 0 ? "older" : "newer"}"]`).focus();
}

document.getElementById("log").addEventListener("click", (event) => {
  const button = event.target.closest("button[data-do]");
  const article = button?.closest(".message");
  if (article && messageOf(article)) DOES[button.dataset.do]?.(article, button);
  else if (button?.dataset.do === "copy-code") DOES["copy-code"](null, button);
});
document.getElementById("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});
document.getElementById("stop").addEventListener("click", () => stop());
document.getElementById("examples").addEventListener("click", (event) => {
  const text = event.target.closest("button")?.dataset.example;
  if (!text) return;
  composer.fill(text);
  send();
});
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  const id = link.closest(".row-session")?.dataset.id ?? link.dataset.session;
  if (!id && !("new" in link.dataset)) return;
  event.preventDefault();
  if (id) open(id);
  else fresh();
  closeDrawer();
  if (!isNarrow()) composer.focus();
});

const KEYS = {
  k: () => {
    openDrawer();
    document.getElementById("search").focus();
  },
  "/": () => openDialog("shortcuts"),
};

document.addEventListener("keydown", (event) => {
  if (event.isComposing || document.querySelector("dialog[open]")) return;
  const control = (event.ctrlKey || event.metaKey) && !event.altKey;
  if (control && !event.shiftKey && KEYS[event.key]) {
    event.preventDefault();
    return KEYS[event.key]();
  }
  if (control && event.shiftKey && event.key.toLowerCase() === "o") {
    event.preventDefault();
    fresh();
    composer.focus();
  }
  if (event.altKey && event.code === "KeyP") {
    event.preventDefault();
    openDialog("parameters");
  }
  if (event.key === "F2" && state.session) {
    event.preventDefault();
    openDrawer();
    sessions.rename(state.session.id);
  }
  if (event.key === "Escape" && !closeDrawer() && !document.querySelector(":popover-open")) stop();
  if (event.key === "ArrowUp" && event.target.id === "say" && composer.isEmpty() && log.last(".user")) {
    event.preventDefault();
    edit(log.last(".user"));
  }
});

window.addEventListener("popstate", () => go("stay"));
on("session", (session) => {
  document.getElementById("open-export").hidden = !session;
  for (const format of ["markdown", "json"]) {
    const link = document.getElementById(`export-${format}`);
    link.href = session ? `/web/chat/sessions/${encodeURIComponent(session.id)}/export?format=${format}` : "#";
  }
});

tidy();
go("stay");
models.load().catch((error) => composer.tellTrouble(error));
sessions.load().catch((error) => composer.tellTrouble(error));
if (!isNarrow()) composer.focus();
