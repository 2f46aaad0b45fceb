// Follows what happens over server-sent events, and has the server draw what is new: rows and
// entries come as HTML, so that language, time zone and filters are the page's own.
import { hear } from "./toasts.js";

const SOON_MS = 40; // what comes together is drawn together
const AT_MOST_EVERY_MS = 800; // in a storm of messages too, others want the server as well
const TRY_AGAIN_MS = 4000;
const TOUCHED_MS = 8000; // a finger does not hover: who has just touched the list reads it

export function followPage() {
  const place = document.querySelector("[data-follows]");
  if (!place) return;
  const what = place.dataset.follows;
  if (what === "customers") {
    follow("kinds=customer", () => new List());
  } else if (what === "customer") {
    const id = encodeURIComponent(place.dataset.customer);
    follow(`customer=${id}`, () => new OneCustomer(place));
  } else if (what === "suggestions") {
    follow("kinds=suggestion", () => new Suggestions(place));
  }
}

function follow(query, make) {
  const view = make();
  const refresh = paced(() => view.refresh());
  let isFirst = true;
  function connect() {
    say("connecting");
    const source = new EventSource(`/api/events?${query}`);
    source.addEventListener("ready", () => {
      say("live");
      // Between the page and this moment, or while the connection was gone, something may have come.
      if (!isFirst || view.looksAtOnce) refresh();
      isFirst = false;
    });
    for (const kind of ["customer", "event", "message", "suggestion"]) {
      source.addEventListener(kind, (event) => {
        if (view.wants?.(kind, event) ?? true) refresh();
      });
    }
    source.addEventListener("reset", refresh);
    source.addEventListener("error", async () => {
      say("away");
      if (source.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
      setTimeout(connect, TRY_AGAIN_MS);
      const session = await fetch("/session").catch(() => null);
      if (session?.status === 401) location.assign("/sign-in");
    });
    window.addEventListener("pagehide", () => source.close(), { once: true });
  }
  connect();
}

function say(state) {
  const place = document.querySelector("[data-connection]");
  if (!place) return;
  place.hidden = false;
  place.dataset.connection = state;
  place.querySelector("[data-connection-text]").textContent = place.dataset[state];
}

// Runs soon, then not again for a while; never twice at once.
function paced(run) {
  let timer = null;
  let isRunning = false;
  let isWanted = false;
  let lastAt = -Infinity;
  async function now() {
    timer = null;
    isRunning = true;
    isWanted = false;
    lastAt = performance.now();
    try {
      await run();
    } catch {
      isWanted = true; // the server is away for a moment
    }
    isRunning = false;
    if (isWanted) soon();
  }
  function soon() {
    isWanted = true;
    if (timer !== null || isRunning) return;
    const wait = Math.max(SOON_MS, lastAt + AT_MOST_EVERY_MS - performance.now());
    timer = setTimeout(now, wait);
  }
  return soon;
}

async function fragment(path) {
  const answer = await fetch(path, { headers: { "HX-Request": "true" } });
  if (answer.redirected || !answer.ok) throw new Error(`${answer.status}`);
  const made = document.createElement("template");
  made.innerHTML = await answer.text();
  return made.content;
}

function counted(count, one, many) {
  return count === 1 ? one : many.replace("{count}", count.toLocaleString(document.documentElement.lang));
}

class List {
  looksAtOnce = true;
  touchedAt = -Infinity;
  fresh = null;

  constructor() {
    this.button = document.querySelector("[data-news]");
    this.button.addEventListener("click", () => {
      window.scrollTo({ top: 0 });
      this.touchedAt = -Infinity;
      this.apply();
      document.querySelector("[data-people] a")?.focus();
    });
    // Once nobody reads here any more, what waits may come.
    window.addEventListener("scroll", () => this.offer(), { passive: true });
    document.addEventListener("focusin", () => this.offer());
    document.addEventListener("pointermove", () => this.offer(), { passive: true });
    document.addEventListener("touchstart", (event) => this.touched(event), { passive: true });
    document.addEventListener("htmx:afterSettle", (event) => {
      if (event.target.id === "list") {
        this.fresh = null;
        this.button.hidden = true;
      }
    });
  }

  get place() {
    return document.getElementById("list");
  }

  async refresh() {
    const place = this.place;
    if (place.dataset.isFirst !== "true") return;
    const query = place.dataset.query;
    const fresh = await fragment(`/customers${query ? `?${query}` : ""}`);
    if (place !== this.place) return; // other filters meanwhile
    if (!place.querySelector("[data-people]")) {
      // The list was empty: there is nothing that could jump.
      const made = fresh.getElementById("list");
      if (made.querySelector("[data-people]")) {
        place.replaceWith(document.adoptNode(made));
        window.htmx.process(this.place);
        this.place.querySelectorAll(".person").forEach((row) => row.classList.add("is-new"));
        this.announce([...this.place.querySelectorAll(".person")]);
      }
      return;
    }
    this.fresh = fresh;
    this.update();
    this.offer();
  }

  rows(of) {
    return [...of.querySelectorAll(".person")];
  }

  row(id) {
    return this.place.querySelector(`.person[data-id="${CSS.escape(id)}"]`);
  }

  // Rows stay where they are and show what is true now.
  update() {
    for (const row of this.rows(this.fresh)) {
      const shown = this.row(row.dataset.id);
      if (!shown || Number(shown.dataset.version) >= Number(row.dataset.version)) continue;
      shown.dataset.version = row.dataset.version;
      shown.dataset.name = row.dataset.name;
      const link = shown.querySelector("a");
      link.replaceChildren(...row.cloneNode(true).querySelector("a").childNodes);
      shown.dataset.touched = "";
    }
  }

  // Who stands above the first row that is shown: new, or has written again.
  news() {
    const first = this.place.querySelector(".person")?.dataset.id;
    const found = [];
    for (const row of this.rows(this.fresh)) {
      if (row.dataset.id === first) break;
      found.push(row);
    }
    return found;
  }

  touched(event) {
    if (!event.target.closest("[data-people]")) return;
    this.touchedAt = performance.now();
    setTimeout(() => this.offer(), TOUCHED_MS + SOON_MS);
  }

  get isRead() {
    if (performance.now() - this.touchedAt < TOUCHED_MS) return true;
    const people = this.place.querySelector("[data-people]");
    const isScrolled = people.getBoundingClientRect().top < 0;
    return isScrolled || people.contains(document.activeElement) || people.matches(":hover");
  }

  offer() {
    if (!this.fresh) return;
    if (!this.isRead) return this.apply();
    const count = this.news().length;
    const { one, many } = this.button.dataset;
    this.button.hidden = count === 0;
    this.button.querySelector("span").textContent = counted(count, one, many);
  }

  apply() {
    this.button.hidden = true;
    if (!this.fresh) return;
    const people = this.place.querySelector("[data-people]");
    const arrived = [];
    const rows = this.rows(this.fresh);
    const isWhole = !this.fresh.querySelector(".more");
    this.fresh = null;
    let next = people.firstElementChild;
    for (const row of rows) {
      const shown = this.row(row.dataset.id);
      if (shown && shown === next) {
        next = next.nextElementSibling;
      } else {
        const moved = shown ?? document.adoptNode(row);
        people.insertBefore(moved, next);
        arrived.push(moved);
      }
    }
    if (isWhole) {
      const ids = new Set(rows.map((row) => row.dataset.id));
      for (const row of this.rows(people)) if (!ids.has(row.dataset.id)) row.remove();
    }
    // A row that only made room for others has not arrived.
    const isNews = arrived.filter((row) => !("touched" in row.dataset) || arrived.indexOf(row) < 20);
    for (const row of isNews) {
      row.classList.remove("is-new");
      void row.offsetWidth;
      row.classList.add("is-new");
      setTimeout(() => row.classList.remove("is-new"), 6000);
    }
    for (const row of this.rows(people)) delete row.dataset.touched;
    this.announce(isNews);
  }

  announce(rows) {
    if (rows.length === 0) return;
    const { arrivedOne, arrivedMany } = this.place.dataset;
    hear(
      rows.length === 1
        ? arrivedOne.replace("{name}", rows[0].dataset.name)
        : counted(rows.length, "", arrivedMany),
    );
  }
}

class OneCustomer {
  looksAtOnce = true;

  constructor(place) {
    this.place = place;
    this.path = `/customers/${encodeURIComponent(place.dataset.customer)}`;
    this.waits = null;
  }

  again() {
    clearTimeout(this.waits);
    this.waits = setTimeout(() => this.refresh().catch(() => {}), TRY_AGAIN_MS);
  }

  async refresh() {
    const facts = await fragment(`${this.path}/parts/facts`);
    for (const part of facts.querySelectorAll("[data-part]")) {
      const shown = this.place.querySelector(`[data-part="${part.dataset.part}"]`);
      if (!shown || shown.dataset.version === part.dataset.version) continue;
      // Nobody's focus is taken away, nor what a dialog gives it back to: it comes a moment later.
      if (shown.contains(document.activeElement) || document.querySelector("dialog[open]")) {
        this.again();
      } else {
        shown.replaceWith(document.adoptNode(part));
      }
    }
    const fresh = await fragment(`${this.path}/parts/timeline`);
    const timeline = this.place.querySelector("[data-timeline]");
    const shown = new Set([...timeline.children].map((entry) => entry.dataset.id));
    let next = timeline.firstElementChild;
    for (const entry of [...fresh.children]) {
      const id = entry.dataset.id;
      if (!id) continue;
      if (shown.has(id)) {
        next = timeline.querySelector(`[data-id="${CSS.escape(id)}"]`)?.nextElementSibling ?? next;
        continue;
      }
      const added = document.adoptNode(entry);
      added.classList.add("is-new");
      timeline.insertBefore(added, next);
      if (added.matches(".said")) hear(added.innerText);
    }
    timeline.querySelectorAll(":scope > .happened:not([data-id])").forEach((empty) => empty.remove());
  }
}

class Suggestions {
  looksAtOnce = true;

  constructor(place) {
    this.place = place;
  }

  async refresh() {
    const fresh = (await fragment("/suggestions")).querySelector("[data-follows]");
    if (!fresh) return;
    const ids = new Set();
    for (const card of [...fresh.querySelectorAll("[data-suggestion]")]) {
      ids.add(card.dataset.suggestion);
      if (this.card(card.dataset.suggestion)) continue;
      if (!this.place.querySelector("[data-suggestion]")) this.place.replaceChildren();
      this.place.prepend(document.adoptNode(card));
    }
    for (const card of this.place.querySelectorAll("[data-suggestion]")) {
      if (ids.has(card.dataset.suggestion) || card.contains(document.activeElement)) continue;
      if (ids.size) card.remove();
    }
  }

  card(id) {
    return this.place.querySelector(`[data-suggestion="${CSS.escape(id)}"]`);
  }
}
