// Messages as elements, made from the templates of the page: what stands under an answer, what is
// folded, and which of its versions is seen.
import { t } from "../base.js";
import { rendered } from "./markdown.js";
import { lengthOf, parts } from "./texts.js";
import { count, lines, moment, rate, seconds } from "./wording.js";

const known = new WeakMap();

/** Return the message that an element shows. */
export const messageOf = (article) => known.get(article);

export function learn(article, message) {
  known.set(article, message);
}

const copyOf = (template) => document.getElementById(template).content.firstElementChild.cloneNode(true);

export function build(message) {
  if (message.role === "user") return user(message);
  if (message.role === "assistant") return settle(blankAnswer(), message);
  return other(message);
}

export const blankAnswer = () => copyOf("message-answer");

function user(message) {
  const article = copyOf("message-user");
  learn(article, message);
  const { files, typed } = parts(message.content, message.info?.files);
  const said = article.querySelector(".said");
  said.hidden = !typed;
  said.textContent = typed;
  const attached = article.querySelector(".attached");
  attached.hidden = !files.length;
  attached.append(...files.map(file));
  if (message.created_at) {
    const time = article.querySelector("time");
    time.dateTime = new Date(message.created_at * 1000).toISOString();
    time.textContent = moment(message.created_at);
  }
  const images = message.images ?? [];
  const shown = article.querySelector(".shown");
  shown.hidden = !images.length;
  shown.append(...images.filter(isOwn).map(picture));
  return article;
}

function file({ name, text }) {
  const folded = copyOf("told-file");
  folded.querySelector("bdi").textContent = name;
  folded.querySelector("small").textContent = lines(lengthOf(text));
  folded.querySelector("pre").textContent = text;
  return folded;
}

/** Pictures of llmd itself only; whatever else a session says is not fetched. */
const isOwn = (source) => /^data:image\/(png|jpeg|webp|gif);/.test(source) || source.startsWith("/web/");

function picture(source) {
  const image = document.createElement("img");
  image.src = source;
  image.alt = t("chat.picture");
  image.loading = "lazy";
  return image;
}

function other(message) {
  const article = copyOf("message-other");
  learn(article, message);
  const names = { system: "chat.system", developer: "chat.system", tool: "chat.tool_result" };
  article.querySelector("summary").textContent = t(names[message.role] ?? "chat.tool_result");
  article.querySelector(".inside").textContent = message.content;
  return article;
}

/** Fill an answer that is complete. */
export function settle(article, message) {
  learn(article, message);
  const versions = [...(message.info?.versions ?? []), message];
  article.dataset.version = versions.length - 1;
  return showVersion(article, versions.length - 1);
}

/** Show one of the versions of an answer. */
export function showVersion(article, at) {
  const message = messageOf(article);
  const older = message.info?.versions ?? [];
  const last = at >= older.length;
  const seen = last ? { ...message.info, content: message.content } : { ...older[at].info, ...older[at] };
  article.dataset.version = at;
  article.querySelector("h2").textContent = t("chat.answer_of", { model: seen.model || "llmd" });
  article.querySelector(".said").replaceChildren(rendered(seen.content ?? ""));
  reasoning(article, seen.reasoning ?? seen.reasoning_content ?? "", false, seen.usage?.reasoning_tokens);
  calls(article, (seen.tool_calls ?? []).map((call) => ({ ...call, ...call.function })));
  tellLeftOut(article, seen.usage?.dropped_tokens);
  notice(article, seen);
  figures(article, seen, message.tokens);
  const steps = article.querySelector(".versions");
  steps.hidden = !older.length;
  steps.querySelector(".at").textContent = `${at + 1} / ${older.length + 1}`;
  steps.querySelector('[data-do="older"]').disabled = at === 0;
  steps.querySelector('[data-do="newer"]').disabled = last;
  article.querySelector(".actions").hidden = false;
  article.querySelector(".status").hidden = true;
  return article;
}

/** What a person typed, or what the answer says, in the version that is seen. */
export function textOf(article) {
  const message = messageOf(article);
  if (message.role === "user") return parts(message.content, message.info?.files).typed || message.content;
  const older = message.info?.versions ?? [];
  return older[Number(article.dataset.version)]?.content ?? message.content;
}

export function reasoning(article, text, thinking, tokens = 0) {
  const folded = article.querySelector(".reasoning");
  folded.hidden = !text;
  const length = tokens ? t("chat.tokens", { count: count(tokens) }) : t("chat.characters", { count: count(text.length) });
  folded.querySelector("summary").textContent = `${t(thinking ? "chat.thinking" : "chat.reasoning")} \u00b7 ${length}`;
  const inside = folded.querySelector(".inside");
  if (text.startsWith(inside.textContent)) inside.append(text.slice(inside.textContent.length));
  else inside.textContent = text;
}

/** Show the tools that were called: [{name, arguments}]. */
export function calls(article, made) {
  const place = article.querySelector(".calls");
  while (place.children.length > made.length) place.lastElementChild.remove();
  made.forEach((call, at) => {
    const element = place.children[at] ?? place.appendChild(copyOf("tool-call"));
    element.querySelector("summary span").textContent = t("chat.called", { name: call.name ?? "" });
    element.querySelector("pre").textContent = pretty(call.arguments ?? "");
  });
}

function pretty(written) {
  if (typeof written !== "string") return JSON.stringify(written, null, 2);
  try {
    return JSON.stringify(JSON.parse(written), null, 2);
  } catch {
    return written; // not whole yet, or no JSON at all
  }
}

/** Say what happened to an answer; with the name of an action, a button for it. */
export function tellNotice(article, text, action = "", wrong = false) {
  const place = article.querySelector(".notice");
  place.hidden = !text;
  place.classList.toggle("wrong", wrong);
  place.querySelector("p").textContent = text;
  const button = place.querySelector("button");
  button.hidden = !action;
  button.dataset.do = action;
  button.textContent = action ? t(`chat.${action}`) : "";
}

/** Say how many tokens of the oldest messages the model did not have. */
export function tellLeftOut(article, tokens) {
  const place = article.querySelector(".left-out");
  place.hidden = !(tokens > 0);
  place.textContent = tokens > 0 ? t("chat.left_out", { count: count(tokens) }) : "";
}

function notice(article, info) {
  const reason = info.finish_reason;
  if (info.partial || reason === "cancelled") return tellNotice(article, t("chat.stopped"));
  if (reason === "length") return tellNotice(article, t("chat.cut"), "go_on");
  if (reason === "tool_calls") return tellNotice(article, t("chat.called_tools"));
  return tellNotice(article, reason && reason !== "stop" ? t("chat.ended", { reason }) : "");
}

function figures(article, info, tokens) {
  const made = info.usage?.completion_tokens ?? info.tokens ?? tokens;
  const parts = [info.model];
  if (made) parts.push(t(made === 1 ? "chat.token" : "chat.tokens", { count: count(made) }));
  if (info.tokens_per_second) parts.push(t("chat.rate", { rate: rate(info.tokens_per_second) }));
  const first = info.time_to_first_token;
  if (typeof first === "number") parts.push(t("chat.first", { time: seconds(first) }));
  article.querySelector(".figures").textContent = parts.filter(Boolean).join(" \u00b7 ");
}
