// One request as a row, with its details folded away below it.
import { count, duration, pace, percent, seconds } from "../amounts.js";
import { call, note, t } from "../base.js";

const TONES = { queued: "warn", preparing: "going", reading: "going", writing: "good", failed: "bad", cancelled: "warn" };
const ENDED = new Set(["done", "failed", "cancelled"]);
const whole = new Intl.NumberFormat(document.documentElement.lang);
const number = (value) => (value ? whole.format(value) : "");

export class Row {
  constructor(id, mayCancel) {
    this.id = id;
    this.told = {};
    this.texts = new Map();
    this.body = document.getElementById("request").content.firstElementChild.cloneNode(true);
    this.body.dataset.id = id;
    this.cells = Object.fromEntries([...this.body.querySelectorAll("[data-cell]")].map((cell) => [cell.dataset.cell, cell]));
    this.chip = this.body.querySelector(".chip");
    this.wait = this.body.querySelector("small");
    this.progress = this.body.querySelector("progress");
    this.button = this.body.querySelector(".cancel");
    this.fold = this.body.querySelector(".fold button");
    this.details = null;
    if (!mayCancel) this.body.querySelector(".end").remove();
    this.fold.addEventListener("click", () => this.#unfold());
    this.button.addEventListener("click", () => this.#cancel());
  }

  /** When it ended, in seconds since the epoch; 0: it goes on. */
  get ended() {
    return ENDED.has(this.told.state) ? this.told.arrived + (this.told.took ?? 0) : 0;
  }

  /** Show what is known now. */
  tell(told) {
    this.told = told;
    this.#state();
    const known = told.prompt && (told.cached || told.miss);
    this.#write("model", told.model);
    this.#write("client", told.client);
    this.#write("prompt", number(told.prompt));
    this.#write("cached", known ? percent((told.cached ?? 0) / told.prompt) : "");
    this.#write("answer", number(told.written));
    this.#write("speed", told.speed ? pace(told.speed) : "");
    this.#write("first", seconds(told.first));
    if (this.ended) {
      this.#write("age", seconds(told.took ?? 0));
      this.body.querySelector(".end")?.remove();
    }
    if (!this.ended && told.reason) this.#ending();
    if (this.details) this.#tellDetails();
  }

  /** Show how long it has taken by now. */
  grow(now) {
    this.#write("age", duration(now - this.told.arrived));
  }

  #state() {
    const { state, position, wait, read, prompt, reason } = this.told;
    const reads = state === "reading" && prompt;
    let text = t(`requests.is_${state}`);
    if (state === "queued" && position !== undefined) text = t("requests.queued_at", { place: position + 1 });
    if (reads) text += ` ${percent((read ?? 0) / prompt)}`;
    if (ENDED.has(state) && reason && reason !== "stop" && reason !== state) text += ` · ${reason}`;
    this.#set(this.chip, text);
    const tone = `chip ${TONES[state] ?? ""}`;
    if (this.chip.className !== tone) this.chip.className = tone;
    const waits = state === "queued" && wait;
    this.wait.hidden = !waits;
    if (waits) this.#set(this.wait, t("requests.about", { wait: seconds(wait) }));
    this.progress.hidden = !reads;
    if (reads) this.progress.value = (read ?? 0) / prompt;
    this.body.classList.toggle("over", ENDED.has(state));
  }

  #write(name, text) {
    this.#set(this.cells[name], text);
  }

  // what is written already need not be looked up in the page
  #set(element, text) {
    if (this.texts.get(element) === text) return;
    this.texts.set(element, text);
    element.textContent = text;
  }

  #unfold() {
    const open = this.fold.getAttribute("aria-expanded") !== "true";
    this.fold.setAttribute("aria-expanded", String(open));
    if (!open) {
      this.details.remove();
      this.details = null;
      return;
    }
    this.details = document.getElementById("details").content.firstElementChild.cloneNode(true);
    this.#tellDetails();
    this.body.append(this.details);
  }

  #tellDetails() {
    this.details.cells[0].colSpan = this.body.rows[0].cells.length;
    const list = this.details.querySelector("dl");
    const facts = this.#facts().filter(([, text]) => text);
    const key = JSON.stringify(facts);
    if (list.dataset.key === key) return;
    list.dataset.key = key;
    list.replaceChildren(...facts.flatMap(([name, text]) => {
      const [term, said] = [document.createElement("dt"), document.createElement("dd")];
      term.textContent = t(`requests.${name}`);
      said.textContent = text;
      return [term, said];
    }));
  }

  #facts() {
    const told = this.told;
    const drafts = told.drafted ? t("requests.drafts_figure", { accepted: number(told.accepted) || "0", drafted: number(told.drafted) }) : "";
    return [
      ["number", this.id],
      ["trace", told.trace],
      ["client", told.client],
      ["lane", t(`requests.lane_${told.lane}`)],
      ["arrived", new Date(told.arrived * 1000).toLocaleString(document.documentElement.lang)],
      ["reason", told.reason],
      ["waited", seconds(told.queued || null)],
      ["may_wait", told.wait ? `~${seconds(told.wait)}` : ""],
      ["read", told.prompt ? `${number(told.read) || "0"} / ${number(told.prompt)}` : ""],
      ["reused", told.prompt ? number(told.cached) || "0" : ""],
      ["missed", missed(told.miss)],
      ["drafts", drafts],
    ];
  }

  #ending() {
    this.button.disabled = true;
    this.#set(this.button, t("requests.cancelling"));
  }

  async #cancel() {
    this.#ending();
    try {
      await call("POST", `/web/requests/${this.id}/cancel`);
    } catch (error) {
      this.button.disabled = false;
      this.#set(this.button, t("requests.cancel"));
      note(`${error.message} ${error.hint ?? ""}`.trim(), true);
    }
  }
}

/** Say why the prefix cache held no more of a prompt. */
function missed(miss) {
  if (!miss) return "";
  const figures = { token: count(miss.token), tokens: number(miss.evicted_tokens) };
  const told = t(`requests.miss_${miss.kind}`, figures);
  if (!miss.text || !miss.instead) return told;
  return `${told} ${t("requests.miss_texts", { text: shown(miss.text), instead: shown(miss.instead) })}`;
}

// what stands in a prompt must not turn the line around it
const shown = (text) => JSON.stringify(text.length > 40 ? `${text.slice(0, 39)}…` : text).replace(/[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "�");
