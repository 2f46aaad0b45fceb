// Short messages that come and go; some are kept for the page that is loaded next.
const KEPT = "omnichannel.toast";
const SHOWN_MS = 6000;

export function toast(text, isBad = false) {
  const place = document.querySelector("[data-toasts]");
  if (!place || !text) return;
  const shown = document.createElement("p");
  shown.className = isBad ? "toast is-bad" : "toast";
  shown.textContent = text;
  place.append(shown);
  setTimeout(() => shown.remove(), SHOWN_MS);
}

export function keep(text) {
  if (text) sessionStorage.setItem(KEPT, text);
}

export function showKept() {
  const text = sessionStorage.getItem(KEPT);
  sessionStorage.removeItem(KEPT);
  if (text) toast(text);
}

export function hear(text) {
  const place = document.querySelector("[data-heard]");
  if (place) place.textContent = text;
}
