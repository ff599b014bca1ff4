// Figures and days in the reader's language.
import { t } from "../base.js";

const language = document.documentElement.lang;
const whole = new Intl.NumberFormat(language, { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat(language, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const hundredths = new Intl.NumberFormat(language, { maximumFractionDigits: 2 });

export const count = (number) => whole.format(number);
export const rate = (number) => (number < 100 ? tenths : whole).format(number);
export const lines = (number) => t(number === 1 ? "chat.line" : "chat.lines", { count: count(number) });
const fractions = new Intl.NumberFormat(language, { maximumFractionDigits: 4 });

export const fraction = (number) => fractions.format(number);

export function seconds(value) {
  if (value < 0.9995) return t("chat.milliseconds", { count: whole.format(Math.round(value * 1000)) });
  return t("chat.seconds", { count: (value < 9.995 ? hundredths : whole).format(value) });
}

export function size(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let place = 0;
  while (bytes >= 999.5 && place < units.length - 1) {
    bytes /= 1000;
    place += 1;
  }
  return `${(place && bytes < 99.95 ? tenths : whole).format(bytes)} ${units[place]}`;
}

/** `32k` for tokens a model has room for. */
export const room = (tokens) => (tokens >= 1024 ? `${whole.format(Math.round(tokens / 1024))}k` : whole.format(tokens));

const DAY = 86_400_000;

/** Return the group that a moment (seconds since 1970) belongs to, as a heading. */
export function day(at, now = new Date()) {
  const when = new Date(at * 1000);
  const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate());
  if (when >= midnight) return t("chat.today");
  if (when >= midnight - DAY) return t("chat.yesterday");
  if (when >= midnight - 6 * DAY) return t("chat.week");
  if (when >= midnight - 29 * DAY) return t("chat.month");
  return when.toLocaleDateString(language, { month: "long", year: "numeric" });
}

export function moment(at) {
  const when = new Date(at * 1000);
  const today = when.toDateString() === new Date().toDateString();
  return when.toLocaleString(language, today ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" });
}
