// What every page does: preferences, signing out, times that pass, and the pages' own modules.
import { watchTimes } from "./times.js";
import { showKept } from "./toasts.js";
import { prepareForms } from "./forms.js";
import { followPage } from "./live.js";
import { csrfToken } from "./requests.js";
import { takeKeyFromAddress } from "./sign_in.js";

const A_YEAR_SECONDS = 31536000;

function prepare(root) {
  for (const group of root.querySelectorAll("[data-preference]")) {
    group.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      const secure = location.protocol === "https:" ? "; secure" : "";
      document.cookie =
        `${group.dataset.preference}=${button.value}; path=/; samesite=lax; max-age=${A_YEAR_SECONDS}${secure}`;
      location.reload();
    });
  }
}

document.addEventListener("click", async (event) => {
  for (const details of document.querySelectorAll("details[data-closes-itself][open]")) {
    if (!details.contains(event.target)) details.open = false;
  }
  if (event.target.closest("[data-sign-out]")) {
    const answer = await fetch("/session", {
      method: "DELETE",
      headers: { "X-CSRF-Token": csrfToken() },
    });
    if (answer.ok || answer.status === 401) location.assign("/sign-in");
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    const open = document.querySelector("details[data-closes-itself][open]");
    if (open) {
      open.open = false;
      open.querySelector("summary").focus();
    }
  }
  // As on many pages: / leads to the search box.
  const typing = event.target.closest("input, textarea, select, dialog, [contenteditable]");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
    const search = document.querySelector("[data-search]");
    if (search) {
      event.preventDefault();
      search.focus();
    }
  }
});

prepare(document);
takeKeyFromAddress();
prepareForms();
watchTimes();
showKept();
followPage();
