/** Numbers, times and sizes as people read them, in the language of the console. */

import { language, t } from "./texts.js";

const FRACTIONS = [["⅛", 1 / 8], ["¼", 1 / 4], ["⅓", 1 / 3], ["½", 1 / 2], ["⅔", 2 / 3], ["¾", 3 / 4]];
const METRIC = new Set(["mg", "g", "kg", "ml", "cl", "dl", "l"]);

/** A place in a video: `0:12`, `1:02:03`. */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const tail = String(rest).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${tail}` : `${minutes}:${tail}`;
}

/** A length of time in minutes: `45 min`, `1 h 30 min`. */
export function minutes(value) {
  const [hours, rest] = [Math.floor(value / 60), value % 60];
  const parts = hours ? [`${hours} ${t("unit.hours")}`] : [];
  if (rest || !hours) parts.push(`${number(rest)} ${t("unit.minutes")}`);
  return parts.join(" ");
}

/** A short length of time: `0.4 s`, `12 s`, `3:05 min`. */
export function elapsed(ms) {
  const seconds = Math.max(0, ms / 1000);
  if (seconds < 10) return `${number(Math.round(seconds * 10) / 10)} ${t("unit.seconds")}`;
  return seconds < 60 ? `${Math.round(seconds)} ${t("unit.seconds")}` : `${clock(seconds)} ${t("unit.minutes")}`;
}

export const number = (value, digits = 3) =>
  new Intl.NumberFormat(language(), { maximumFractionDigits: digits }).format(value);

export const percent = (share) => new Intl.NumberFormat(language(), { style: "percent" }).format(share);

/** An amount of US dollars; small ones with more digits. */
export const money = (usd) => new Intl.NumberFormat(language(), {
  style: "currency", currency: "USD", maximumFractionDigits: usd && usd < 0.01 ? 4 : 2,
}).format(usd);

/** A day such as `2026-11-30`, without its year. */
export const shortDate = (day) =>
  new Intl.DateTimeFormat(language(), { day: "numeric", month: "short", timeZone: "UTC" }).format(new Date(`${day}T00:00Z`));

/** The day of a time, with its year. */
export const date = (time) => new Intl.DateTimeFormat(language(), { dateStyle: "medium" }).format(new Date(time));

/** A size of a file: `7.3 MB`. */
export function bytes(size) {
  const units = ["kilobyte", "megabyte", "gigabyte"];
  let value = size / 1000;
  while (value >= 1000 && units.length > 1) {
    value /= 1000;
    units.shift();
  }
  const style = { style: "unit", unit: units[0], maximumFractionDigits: value < 10 ? 1 : 0 };
  return new Intl.NumberFormat(language(), style).format(value);
}

/** When something happened: `5 minutes ago`, or the date after a week. */
export function ago(time, now = Date.now()) {
  const seconds = (Date.parse(time) - now) / 1000;
  const units = [["day", 86_400], ["hour", 3600], ["minute", 60], ["second", 1]];
  if (seconds < -7 * 86_400) return date(time);
  const [unit, size] = units.find(([, each]) => -seconds >= each) ?? ["second", 1];
  const relative = new Intl.RelativeTimeFormat(language(), { numeric: "auto" });
  return relative.format(Math.min(0, Math.ceil(seconds / size)), unit);
}

/** An amount of an ingredient: `1½`, or `1.5` where the unit is metric. */
export function amount(value, unit) {
  const whole = Math.floor(value);
  const sign = FRACTIONS.find(([, size]) => Math.abs(value - whole - size) < 0.01)?.[0];
  if (!sign || METRIC.has(unit)) return number(value);
  return whole ? `${whole}${sign}` : sign;
}
