// "3 minutes ago" goes on while the page stays open, in the words that the server began with.
const STEPS = [
  ["second", 1, 60],
  ["minute", 60, 60],
  ["hour", 3600, 24],
  ["day", 86400, 30],
  ["month", 2629800, 12],
  ["year", 31557600, Infinity],
];
const EVERY_MS = 15000;

export function ago(at, now, language) {
  const words = new Intl.RelativeTimeFormat(language, { numeric: "always" });
  const seconds = (at - now) / 1000;
  for (const [unit, length, most] of STEPS) {
    const count = Math.round(seconds / length);
    if (Math.abs(count) < most) return words.format(count === 0 ? -1 : count, unit);
  }
  return "";
}

export function watchTimes() {
  setInterval(() => {
    const now = Date.now();
    for (const time of document.querySelectorAll("time[data-ago]")) {
      const text = ago(Date.parse(time.dateTime), now, document.documentElement.lang);
      if (time.textContent !== text) time.textContent = text;
    }
  }, EVERY_MS);
}
