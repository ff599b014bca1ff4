// The answer that is being written: says what is waited for, writes what comes, ends as a message.
import { t } from "../base.js";
import { state as page, chosen } from "./state.js";
import { blankAnswer, calls, learn, messageOf, reasoning, settle, tellLeftOut, tellNotice } from "./messages.js";
import { wanted } from "./parameters.js";
import { count, seconds } from "./wording.js";
import { Writer } from "./writer.js";

function earlier(article) {
  const copy = article.cloneNode(true);
  learn(copy, messageOf(article));
  return copy;
}

/** What is to be done on this page about a failure, where that is something else than elsewhere. */
function advice(code) {
  if (code !== "context_length_exceeded") return "";
  return t(wanted().context_overflow === "error" ? "chat.too_long_refused" : "chat.too_long");
}

export class Writing {
  /** Begin a new answer, or another version of the one that `article` shows. */
  constructor(article = blankAnswer()) {
    this.article = article;
    this.before = article.isConnected ? earlier(article) : null;
    this.writer = new Writer(article.querySelector(".said"));
    this.calls = [];
    this.thought = "";
    this.begin();
  }

  begin() {
    this.article.classList.add("writing");
    this.article.removeAttribute("data-failed");
    this.article.setAttribute("aria-busy", "true");
    this.article.querySelector("h2").textContent = t("chat.answer_of", { model: page.model || "llmd" });
    this.article.querySelector(".actions").hidden = true;
    reasoning(this.article, "", true);
    calls(this.article, []);
    tellLeftOut(this.article, 0);
    tellNotice(this.article, "");
    this.tell(t("chat.sending"));
  }

  /** Forget what came: a stream that is heard from its beginning tells it again. */
  restart() {
    this.writer.clear();
    this.calls = [];
    this.thought = "";
    this.begin();
  }

  tell(words) {
    const status = this.article.querySelector(".status");
    status.hidden = !words;
    status.querySelector(".words").textContent = words;
  }

  state(now) {
    this.waiting = this.words(now);
    this.tell(this.waiting);
  }

  words({ state, position, wait, read, prompt }) {
    if (state === "reading") {
      const share = prompt ? Math.min(99, Math.floor((100 * (read ?? 0)) / prompt)) : 0;
      return share ? t("chat.reading_share", { share }) : t("chat.reading");
    }
    if (state === "writing") return "";
    if (state === "loading") return t("chat.loading", { model: page.model });
    if (position) {
      const place = t("chat.queued_at", { position: count(position) });
      return wait >= 1 ? t("chat.queued_wait", { place, wait: seconds(wait) }) : place;
    }
    const model = chosen();
    return model && !model.loaded ? t("chat.loading", { model: model.name }) : t("chat.queued");
  }

  away() {
    this.tell(t("chat.away"));
  }

  back() {
    this.tell(this.waiting ?? "");
  }

  text({ text }) {
    this.state({ state: "writing" });
    if (this.thought) reasoning(this.article, this.thought, false);
    this.writer.add(text);
  }

  reasoning({ text }) {
    this.state({ state: "writing" });
    this.thought += text;
    reasoning(this.article, this.thought, true);
  }

  tool({ index = 0, name, arguments: piece = "" }) {
    this.state({ state: "writing" });
    const call = (this.calls[index] ??= { name: "", arguments: "" });
    call.name += name ?? "";
    call.arguments += piece;
    calls(this.article, this.calls.filter(Boolean));
  }

  done({ message }) {
    this.leave();
    settle(this.article, message);
  }

  /** What failed stands where the answer would, with what came of it, or under the earlier one. */
  failed({ code, message, hint, answer }) {
    this.leave();
    if (answer) settle(this.article, answer);
    else if (this.before) this.restore();
    else learn(this.article, { role: "assistant", content: this.writer.text, info: {} });
    this.article.dataset.failed = answer || this.before ? "answer" : "question";
    tellNotice(this.article, [message, advice(code) || hint].filter(Boolean).join(" "), "retry", true);
  }

  /** Show the answer again that was to be replaced. */
  restore() {
    this.article.replaceWith(this.before);
    this.article = this.before;
  }

  leave() {
    this.tell("");
    this.writer.end(this.writer.text);
    this.article.classList.remove("writing");
    this.article.removeAttribute("aria-busy");
  }
}
