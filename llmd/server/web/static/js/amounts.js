// Amounts in words, as narrow as they can be read: the same as the filters of templates make them.

function short(number, units, space) {
  let place = 0;
  while (number >= 999.5 && place < units.length - 1) {
    number /= 1000;
    place += 1;
  }
  const digits = place === 0 || number >= 99.95 ? 0 : 1;
  return `${number.toFixed(digits)}${space}${units[place]}`;
}

/** Bytes: `4.2 GB`. */
export const size = (bytes) => short(bytes, ["B", "kB", "MB", "GB", "TB"], " ");

/** A number: `12.3k`. */
export const count = (number) => short(number, ["", "k", "M", "B", "T"], "");

/** Tokens per second, without the unit: `41.3`, `1.2k`. */
export const pace = (tokens) => (tokens < 100 ? tokens.toFixed(1) : count(tokens));

export const percent = (share) => `${Math.round(share * 100)}%`;

/** A length of time in its largest unit, or two: `42s`, `3m`, `2h05`, `3d`. */
export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (number) => String(number).padStart(2, "0");
  if (whole < 60) return `${whole}s`;
  const minutes = Math.floor(whole / 60);
  if (whole < 3600) return minutes < 10 ? `${minutes}m${two(whole % 60)}` : `${minutes}m`;
  if (whole < 86400) return `${Math.floor(whole / 3600)}h${two(minutes % 60)}`;
  return `${Math.floor(whole / 86400)}d`;
}

/** A short time with the precision that it deserves: `85 ms`, `1.24 s`, `12 s`. */
export function seconds(value) {
  if (value == null) return "";
  if (value < 0.9995) return `${(value * 1000).toFixed(0)} ms`;
  if (value < 9.995) return `${value.toFixed(2)} s`;
  return value < 120 ? `${value.toFixed(0)} s` : duration(value);
}
