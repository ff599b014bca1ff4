// Text files in a message. What they say begins the message, each behind a line with its name, so that
// every model and every program reads them; how many lines are whose is told beside it, for pages.

const decoder = new TextDecoder("utf-8", { fatal: true });

/** Return what a file says; throws for what is no text in UTF-8. */
export async function textOf(file) {
  const text = decoder.decode(await file.arrayBuffer());
  if (text.includes("\0")) throw new TypeError("no text");
  return text.trimEnd();
}

/** A file's name on one line, as llmd takes it. */
export const nameOf = (file) => file.name.replace(/\p{Cc}/gu, " ").slice(0, 255) || "?";

/** Return how many lines a text has. */
export const lengthOf = (text) => text.split("\n").length;

/** Return the message {content, files: [{name, lines}]} of files ({name, text}) and what was typed. */
export function written(files, typed) {
  const passages = files.map(({ name, text }) => `${name}:\n${text}`);
  return {
    content: [...passages, ...(typed.trim() || !files.length ? [typed] : [])].join("\n\n"),
    files: files.map(({ name, text }) => ({ name, lines: lengthOf(text) })),
  };
}

/** Return the files and what was typed; all of it was, where what is told of files cannot be. */
export function parts(content, told) {
  const plain = { files: [], typed: content };
  if (!Array.isArray(told) || !told.length) return plain;
  const rows = content.split("\n");
  const files = [];
  let at = 0;
  for (const one of told) {
    const end = at + 1 + one?.lines;
    if (rows[at] !== `${one?.name}:` || !(end > at + 1 && end <= rows.length)) return plain;
    files.push({ name: one.name, text: rows.slice(at + 1, end).join("\n") });
    at = end + 1; // an empty line stands between
  }
  return { files, typed: rows.slice(at).join("\n") };
}
