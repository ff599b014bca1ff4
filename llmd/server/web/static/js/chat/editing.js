// One's own message, changed in its place; sent, it begins another branch, and the session stays.
import { t } from "../base.js";
import * as composer from "./composer.js";
import { messageOf } from "./messages.js";
import { branch } from "./sending.js";
import { state } from "./state.js";
import { parts } from "./texts.js";

export function edit(article) {
  const message = messageOf(article);
  if (!message?.id || state.turn !== null || article.querySelector(".editing")) return;
  const form = document.getElementById("editing").content.firstElementChild.cloneNode(true);
  const field = form.querySelector("textarea");
  const { files, typed } = parts(message.content, message.info?.files);
  const bare = !files.length && !message.images?.length;
  field.value = typed;
  field.rows = Math.min(12, typed.split("\n").length + 1);
  article.classList.add("edited");
  article.append(form);
  field.focus();
  const leave = () => {
    form.remove();
    article.classList.remove("edited");
    article.querySelector('[data-do="edit"]').focus();
  };
  form.querySelector('[data-do="leave-edit"]').addEventListener("click", leave);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = field.value;
    if ((bare && !text.trim()) || state.turn !== null) return;
    try {
      await branch(message, text);
    } catch (error) {
      composer.tellTrouble({ message: error.message || t("chat.failed"), hint: error.hint });
    }
  });
  field.addEventListener("keydown", (event) => {
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "Escape") {
      event.stopPropagation();
      leave();
    } else if (composer.sends(event)) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
}
