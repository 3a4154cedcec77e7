import { serve, tries } from "probe.js";

// What the language and its library do in V8, where this engine has something of its own.

const legacy = ["$1", "$2", "$9", "input", "lastMatch", "$&", "lastParen", "leftContext", "rightContext"];
const told = () => legacy.map((n) => RegExp[n]).join("|");

const lastMatch = {
  exec: () => { /(b)(c)?/.exec("abd"); return told(); },
  test: () => { /(\d)+/g.test("a12"); return told(); },
  match: () => ["a1b2".match(/[a-z](\d)/g), told()],
  "match of a text": () => ["xyz".match("(y)"), told()],
  matchAll: () => { const out = []; for (const m of "a1b2".matchAll(/[a-z](\d)/g)) out.push(m[0], told()); return out; },
  replace: () => ["a1b2".replace(/[a-z](\d)/g, () => `<${RegExp.$1}>`), told()],
  replaceAll: () => ["a1b2".replaceAll(/[a-z](\d)/g, "$1"), told()],
  split: () => ["a,b;c".split(/([,;])/), told()],
  search: () => ["abc".search(/(c)/), told()],
  "flag d": () => { /(?<x>b)/d.exec("abc"); return told(); },
  "flag v": () => { /(\p{L})(\p{RGI_Emoji})/v.exec("1é👍🏽"); return told(); },
  input: () => { /(b)/.exec("abc"); RegExp.input = 5; return [RegExp.$_, typeof RegExp.input, RegExp.$1]; },
  properties: () => legacy.map((n) => { const d = Object.getOwnPropertyDescriptor(RegExp, n); return [d.enumerable, d.configurable, d.get.name, d.set?.name]; }),
};

const properties = ["Basic_Emoji", "Emoji_Keycap_Sequence", "RGI_Emoji_Modifier_Sequence", "RGI_Emoji_Flag_Sequence", "RGI_Emoji_Tag_Sequence", "RGI_Emoji_ZWJ_Sequence", "RGI_Emoji"];
const strings = Object.fromEntries(properties.map((p) => [p, () => {
  const tones = ["", ..."🏻🏼🏽🏾🏿"], out = [];
  const text = [..."👩👨🧑👍✊🤝👯❤️☺1#*©Ⓜ🏴🦰🫱🫲🚀"].flatMap((c) => tones.map((t) => c + t)).join("\u200d") + "👩‍👩‍👧‍👦👩🏽‍❤️‍💋‍👨🏿🏴󠁧󠁢󠁥󠁮󠁧󠁿🏴󠁧󠁢🇩🇪🇦🇦🇺🇳1️⃣#️⃣☺️⛹🏽‍♀️👩‍⚕️👩‍⚕🧑🏻‍🤝‍🧑🏻";
  for (const flags of ["gv", "giv"]) out.push(text.match(new RegExp(`\\p{${p}}`, flags)).join(" "), text.match(new RegExp(`[\\p{${p}}--\\q{👍🏽|🚀}]`, flags)).length);
  return out;
}]));

const dates = {};
const day = [new Date(Date.UTC(2026, 0, 5, 3, 4, 9, 7)), new Date(Date.UTC(2024, 8, 28, 12, 0, 0)), new Date(Date.UTC(1999, 11, 31, 23, 59, 59)), new Date(Date.UTC(-4, 6, 1, 0, 30))];
const widths = ["long", "short", "narrow"];
const styles = [undefined, "full", "long", "medium", "short"];
const all = (locale, options) => day.map((d) => {
  const f = new Intl.DateTimeFormat(locale, { timeZone: "UTC", ...options });
  return f.formatToParts(d).map((p) => `${p.type}=${p.value}`).join("|") + (f.format(d) === f.formatToParts(d).map((p) => p.value).join("") ? "" : f.format(d));
});
for (const l of ["en-US", "en-GB", "en-CA", "en-AU", "de", "fr", "es", "it", "pt", "nl", "sv", "ja", "zh"]) {
  const each = (name, list) => { dates[`${name} in ${l}`] = () => list.map((o) => all(l, o)); };
  each("styles", styles.flatMap((dateStyle) => styles.map((timeStyle) => ({ dateStyle, timeStyle }))));
  each("dates", [undefined, ...widths].flatMap((weekday) => [undefined, "numeric", "2-digit"].flatMap((year) => [undefined, "numeric", "2-digit", ...widths].flatMap((month) => [undefined, "numeric", "2-digit"].map((d) => ({ weekday, year, month, day: d }))))));
  each("times", [{}, { hour12: true }, { hour12: false }, { hourCycle: "h11" }, { hourCycle: "h24" }].flatMap((x) => ["numeric", "2-digit"].flatMap((hour) => [undefined, "numeric", "2-digit"].flatMap((minute) => [undefined, "numeric", "2-digit"].map((second) => ({ hour, minute, second, ...x }))))));
  each("dates with times", ["numeric", ...widths].flatMap((month) => [undefined, "long", "short"].map((weekday) => ({ weekday, year: "numeric", month, day: "numeric", hour: "numeric", minute: "2-digit" }))));
  each("eras", widths.flatMap((era) => [{ era }, { era, year: "numeric" }, { era, year: "numeric", month: "long", day: "numeric" }]));
  each("periods of the day", widths.flatMap((dayPeriod) => [{ dayPeriod }, { dayPeriod, hour: "numeric", hour12: true }, { dayPeriod, hour: "numeric", minute: "2-digit", hour12: true }]));
  each("parts of seconds", [1, 2, 3].flatMap((n) => [{ second: "numeric", fractionalSecondDigits: n }, { hour: "numeric", minute: "2-digit", second: "2-digit", fractionalSecondDigits: n }]));
  each("UTC", ["short", "long"].flatMap((timeZoneName) => [{ timeZoneName }, { timeZoneName, hour: "numeric" }, { timeZoneName, hour: "numeric", minute: "2-digit" }, { timeZoneName, hour: "numeric", minute: "2-digit", second: "2-digit" }, { timeZoneName, month: "long", day: "numeric" }]));
  dates[`methods in ${l}`] = () => day.flatMap((d) => [{}, { timeZoneName: "long" }, { month: "long" }, { hour: "numeric" }, { era: "short" }].map((o) => ["toLocaleString", "toLocaleDateString", "toLocaleTimeString"].map((m) => d[m](l, { timeZone: "UTC", ...o }))));
  dates[`options in ${l}`] = () => [{}, { dateStyle: "long", timeStyle: "short" }, { hour: "numeric", minute: "numeric" }, { year: "numeric", month: "numeric", day: "numeric" }, { weekday: "long", day: "numeric" }, { era: "long", hour: "2-digit", hour12: true }, { dayPeriod: "short" }, { second: "numeric", fractionalSecondDigits: 2 }]
    .map((o) => JSON.stringify(new Intl.DateTimeFormat(l, { timeZone: "UTC", ...o }).resolvedOptions()));
}
dates.zones = () => ["en-US", "en-GB"].flatMap((l) => ["America/New_York", "Europe/London", "Europe/Berlin", "Asia/Tokyo", "Asia/Kolkata"].map((timeZone) => ["short", "long", "shortOffset", "longOffset", "longGeneric"].map((timeZoneName) => day.slice(0, 3).map((d) => d.toLocaleString(l, { timeZone, timeZoneName, ...(timeZone === "Europe/London" && timeZoneName === "longGeneric" ? { timeZoneName: "short" } : {}) })))));
dates.wrong = () => tries(() => new Date(0).toLocaleString("en", { dateStyle: "short", year: "numeric" }), () => new Date(0).toLocaleTimeString("en", { dateStyle: "short" }), () => new Date(0).toLocaleDateString("en", { timeStyle: "short" }),
  () => new Intl.DateTimeFormat("en", { dayPeriod: "x" }), () => new Intl.DateTimeFormat("en", { era: "x" }), () => new Intl.DateTimeFormat("en", { timeStyle: "x" }), () => new Intl.DateTimeFormat("en", { fractionalSecondDigits: 4 }), () => new Intl.DateTimeFormat("en", { timeStyle: "short", fractionalSecondDigits: 1 }));

export default serve({ "last match": lastMatch, "strings of": strings, dates });
