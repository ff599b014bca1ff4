// Answers to elements. What a model says is never trusted: HTML in it is shown as text, and what
// Markdown makes of the rest passes DOMPurify with a short list of what may be. Pictures would be
// fetched from elsewhere and tell it who reads: they become links. Mathematics stays as written.
import { t } from "../base.js";

const LONGEST = 400_000;
/** Deeper nesting than any answer needs costs marked seconds, or the browser its stack. */
const TOO_DEEP = /^(?:[ \t]*(?:>|[-*+][ \t]|\d{1,9}[.)][ \t])){40}|^[ \t]{120,}(?:[-*+]|\d{1,9}[.)])[ \t]|[*_~]{500}/m;
const MATH = /^(?:\$\$[^]+?\$\$|\\\([^]+?\\\)|\\\[[^]+?\\\]|\$(?=[^\s$])[^$\n]*[^\s$\\]\$(?!\d)|\$[^\s$]\$(?!\d))/;
const HARMLESS = /^<\/?(?:br|sub|sup|kbd|mark|u|b|i|em|strong)\s*\/?>$/i;
const RULES = {
  ALLOWED_TAGS: [
    "p", "br", "hr", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "pre", "code", "em",
    "strong", "b", "i", "u", "del", "sub", "sup", "kbd", "mark", "a", "table", "thead", "tbody", "tr",
    "th", "td", "input", "span",
  ],
  ALLOWED_ATTR: ["href", "title", "align", "start", "class", "type", "checked", "disabled"],
  ALLOWED_URI_REGEXP: /^(?:https?:\/\/|mailto:)/i,
  // the others are held against it too, as if they were addresses
  ADD_URI_SAFE_ATTR: ["align", "start", "type", "checked", "disabled"],
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
};

const escaped = (text) =>
  text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);

function build() {
  return new window.marked.Marked({
    gfm: true,
    breaks: true,
    // as part of a paragraph: a block of HTML would swallow the Markdown in it
    tokenizer: { html: () => undefined },
    renderer: {
      html: ({ text }) => (HARMLESS.test(text.trim()) ? text : escaped(text)),
      image: ({ href, text }) => `<a href="${escaped(href)}" class="elsewhere">${escaped(text || href)}</a>`,
      heading({ tokens, depth }) {
        const level = Math.min(6, depth + 2); // those of the page stand above
        return `<h${level}>${this.parser.parseInline(tokens)}</h${level}>\n`;
      },
    },
    extensions: [
      {
        name: "math",
        level: "inline",
        start: (source) => source.search(/\$|\\\(|\\\[/),
        tokenizer(source) {
          const found = MATH.exec(source);
          return found ? { type: "math", raw: found[0] } : undefined;
        },
        renderer: ({ raw }) => `<span class="math">${escaped(raw)}</span>`,
      },
    ],
  });
}

let marked;

/** Comes when both libraries are there; until then answers are shown as they were written. */
export const ready = Promise.all(
  [...document.querySelectorAll("script[data-library]")].map((script) =>
    window[script.dataset.library]
      ? null
      : new Promise((resolve) => script.addEventListener("load", resolve, { once: true })),
  ),
).then(() => {
  marked = build();
});

/** Split a text in its blocks, or return null where it is to be shown as it is. */
export function blocks(text) {
  if (!marked || text.length > LONGEST || TOO_DEEP.test(text)) return null;
  try {
    return marked.lexer(text);
  } catch {
    return null; // its nesting was more than the browser takes
  }
}

/** Make elements of blocks. */
export function elements(tokens) {
  let made;
  try {
    made = window.DOMPurify.sanitize(marked.parser(tokens), RULES);
  } catch {
    return plain(tokens.map((token) => token.raw).join(""));
  }
  finish(made);
  return made;
}

/** Make elements of a whole text. */
export function rendered(text) {
  const tokens = blocks(text);
  return tokens ? elements(tokens) : plain(text);
}

export function plain(text) {
  const made = document.createDocumentFragment();
  const lines = document.createElement("p");
  lines.className = "as-written";
  lines.textContent = text;
  made.append(lines);
  return made;
}

function finish(made) {
  for (const link of made.querySelectorAll("a[href]")) {
    link.target = "_blank";
    link.rel = "noopener noreferrer";
    link.title = link.href;
  }
  for (const box of made.querySelectorAll("input")) {
    const mark = document.createTextNode(box.checked ? "\u2611 " : "\u2610 ");
    box.replaceWith(mark); // what looks like a form is none
  }
  for (const table of made.querySelectorAll("table")) wrap(table, "table-frame", t("chat.table"));
  for (const code of made.querySelectorAll("pre > code")) frame(code);
}

function wrap(element, kind, name) {
  const around = document.createElement("div");
  around.className = kind;
  around.tabIndex = 0; // so that arrow keys scroll it
  around.setAttribute("role", "region");
  around.setAttribute("aria-label", name);
  element.replaceWith(around);
  around.append(element);
}

function frame(code) {
  const language = [...code.classList].find((name) => name.startsWith("language-"))?.slice(9) ?? "";
  const around = document.createElement("figure");
  around.className = "code";
  const top = document.getElementById("code-top").content.cloneNode(true);
  top.querySelector("span").textContent = language;
  code.removeAttribute("class");
  const pre = code.parentElement;
  pre.tabIndex = 0;
  pre.replaceWith(around);
  around.append(top, pre);
}
