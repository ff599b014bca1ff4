// Pictures that go with what is said: scaled down here, since models see no more than this and phones
// make twenty times as many pixels.
import { note, t } from "../base.js";
import { chosen, on, state } from "./state.js";

const LONGEST_SIDE = 1536;
const MOST = 8;
/** Pictures this small are sent as they are. */
const SMALL = 400_000;
const AS_THEY_ARE = new Set(["image/png", "image/jpeg", "image/webp"]);

const previews = document.getElementById("previews");
const files = document.getElementById("files");
const attach = document.getElementById("attach");
const box = document.getElementById("box");

let held = [];
let changed = () => {};

export const pictures = () => [...held];
export const seen = () => Boolean(chosen()?.vision);

/** Have `hear` called when pictures come or go. */
export function whenChanged(hear) {
  changed = hear;
}

export function setPictures(urls) {
  held = [...urls];
  show();
}

function show() {
  previews.hidden = !held.length;
  previews.replaceChildren(...held.map(preview));
  previews.classList.toggle("unseen", !seen());
}

function preview(url, at) {
  const made = document.getElementById("preview").content.firstElementChild.cloneNode(true);
  const image = made.querySelector("img");
  image.src = url;
  image.alt = t("chat.picture_at", { number: at + 1 });
  made.querySelector("button").addEventListener("click", () => {
    held.splice(at, 1);
    show();
    changed();
    document.getElementById("say").focus();
  });
  return made;
}

async function take(list) {
  const chosenFiles = [...list].filter((file) => file.type.startsWith("image/"));
  if (!chosenFiles.length) return;
  if (!seen()) return note(sightless(), true);
  for (const file of chosenFiles) {
    if (held.length >= MOST) {
      note(t("chat.too_many_pictures", { most: MOST }), true);
      break;
    }
    try {
      held.push(await shrunk(file));
    } catch {
      note(t("chat.no_picture", { name: file.name }), true);
    }
  }
  show();
  changed();
}

/** Say that the chosen model sees nothing, and which one would. */
export function sightless() {
  const other = state.models?.find((model) => model.vision)?.name;
  const told = t("chat.sightless", { model: state.model });
  return other ? `${told} ${t("chat.sighted", { model: other })}` : told;
}

async function shrunk(file) {
  const bitmap = await createImageBitmap(file);
  const share = Math.min(1, LONGEST_SIDE / Math.max(bitmap.width, bitmap.height));
  if (share === 1 && file.size <= SMALL && AS_THEY_ARE.has(file.type)) return asUrl(file);
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * share));
  canvas.height = Math.max(1, Math.round(bitmap.height * share));
  const pen = canvas.getContext("2d");
  pen.fillStyle = "white"; // JPEG knows no transparency
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return canvas.toDataURL("image/jpeg", 0.88);
}

/** Return a file, or what lies at an address of llmd, as a data URL. */
export async function asUrl(source) {
  if (typeof source === "string" && source.startsWith("data:")) return source;
  const blob = typeof source === "string" ? await (await fetch(source)).blob() : source;
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}

attach.addEventListener("click", () => files.click());
files.addEventListener("change", async () => {
  await take(files.files);
  files.value = "";
});
document.getElementById("say").addEventListener("paste", (event) => {
  if (![...event.clipboardData.files].some((file) => file.type.startsWith("image/"))) return;
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
on("model", () => {
  attach.hidden = !seen();
  show();
});
