// Pictures, scaled down before they are sent: models see no more than this, and phones make twenty
// times as many pixels.
import { t } from "../base.js";
import { chosen, state } from "./state.js";

const LONGEST_SIDE = 1536;
/** Pictures this small are sent as they are. */
const SMALL = 400_000;
const AS_THEY_ARE = new Set(["image/png", "image/jpeg", "image/webp"]);

/** Whether a file is a picture; drawings in SVG are text to models. */
export const isPicture = (file) => file.type.startsWith("image/") && file.type !== "image/svg+xml";

/** Whether the chosen model sees. */
export const seen = () => Boolean(chosen()?.vision);

/** Say that the chosen model sees nothing, and which one would. */
export function sightless() {
  const other = state.models?.find((model) => model.vision)?.name;
  const told = t("chat.sightless", { model: state.model });
  return other ? `${told} ${t("chat.sighted", { model: other })}` : told;
}

/** Return a picture as a data URL; throws for what the browser cannot read. */
export async function shrunk(file) {
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
