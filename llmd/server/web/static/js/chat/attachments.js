// What goes with what is said: pictures, for models that see, and text files. Files are chosen, dropped
// or pasted; one that cannot go along is never passed over in silence.
import { note, t } from "../base.js";
import { isPicture, seen, shrunk, sightless } from "./pictures.js";
import { on } from "./state.js";
import { lengthOf, nameOf, textOf } from "./texts.js";
import { lines, size } from "./wording.js";

const MOST_PICTURES = 8;
const MOST_FILES = 20;
/** Bytes of all text files of a message, which no context holds. */
const LARGEST = 8_000_000;
/** Names that a note has room for. */
const NAMED = 3;

const previews = document.getElementById("previews");
const chooser = document.getElementById("files");
const box = document.getElementById("box");

let images = [];
let files = [];
let changed = () => {};

/** Return what is attached: pictures as data URLs, files as {name, text}. */
export const attached = () => ({ images: [...images], files: [...files] });
export const isEmpty = () => !images.length && !files.length;

/** Have `hear` called when something comes or goes. */
export function whenChanged(hear) {
  changed = hear;
}

export function attach(given) {
  images = [...(given?.images ?? [])];
  files = [...(given?.files ?? [])];
  show();
}

function show() {
  previews.hidden = isEmpty();
  previews.replaceChildren(...files.map(chip), ...images.map(preview));
  previews.classList.toggle("unseen", !seen());
}

function preview(url, at) {
  const name = t("chat.picture_at", { number: at + 1 });
  const made = removable("preview", images, at, name);
  const image = made.querySelector("img");
  image.src = url;
  image.alt = name;
  return made;
}

function chip({ name, text }, at) {
  const made = removable("preview-file", files, at, name);
  made.querySelector("bdi").textContent = name;
  made.title = name;
  made.querySelector("small").textContent = lines(lengthOf(text));
  return made;
}

function removable(template, list, at, name) {
  const made = document.getElementById(template).content.firstElementChild.cloneNode(true);
  const button = made.querySelector("button");
  button.setAttribute("aria-label", t("chat.remove", { name }));
  button.addEventListener("click", () => {
    list.splice(at, 1);
    show();
    changed();
    document.getElementById("say").focus();
  });
  return made;
}

/** Files that come while others are still read go behind them. */
let taking = Promise.resolve();

function take(list) {
  const given = [...list]; // the browser empties its own list
  taking = taking.catch(() => {}).then(() => takeAll(given));
  return taking;
}

async function takeAll(list) {
  const refused = new Map();
  for (const file of list) {
    const why = await (isPicture(file) ? takePicture(file) : takeText(file));
    if (why) refused.set(why, [...(refused.get(why) ?? []), file.name]);
  }
  for (const [why, names] of refused) note(refusal(why, names), true);
  show();
  changed();
}

/** Take a picture; returns why not, if it cannot be. */
async function takePicture(file) {
  if (!seen()) return "chat.sightless";
  if (images.length >= MOST_PICTURES) return "chat.too_many_pictures";
  try {
    images.push(await shrunk(file));
  } catch {
    return "chat.no_picture";
  }
}

async function takeText(file) {
  if (files.length >= MOST_FILES) return "chat.too_many_files";
  if (files.reduce((sum, { text }) => sum + text.length, file.size) > LARGEST) return "chat.too_large";
  try {
    files.push({ name: nameOf(file), text: await textOf(file) });
  } catch {
    return "chat.no_file"; // no text, or a folder, which nobody can read
  }
}

function refusal(why, names) {
  if (why === "chat.sightless") return sightless();
  const name = names.slice(0, NAMED).join(", ") + (names.length > NAMED ? ", \u2026" : "");
  const most = { "chat.too_many_pictures": MOST_PICTURES, "chat.too_many_files": MOST_FILES, "chat.too_large": size(LARGEST) };
  return t(why, { name, most: most[why] });
}

document.getElementById("attach").addEventListener("click", () => chooser.click());
chooser.addEventListener("change", async () => {
  await take(chooser.files);
  chooser.value = "";
});
document.getElementById("say").addEventListener("paste", (event) => {
  if (!event.clipboardData.files.length) return;
  event.preventDefault();
  take(event.clipboardData.files);
});
const stage = document.getElementById("stage");
stage.addEventListener("dragover", (event) => {
  if (!event.dataTransfer.types.includes("Files")) return;
  event.preventDefault();
  box.classList.add("dropping");
});
for (const end of ["dragleave", "drop"]) stage.addEventListener(end, () => box.classList.remove("dropping"));
stage.addEventListener("drop", (event) => {
  if (!event.dataTransfer.files.length) return;
  event.preventDefault(); // or the browser would leave the page for the file
  take(event.dataTransfer.files);
});
on("model", show);
