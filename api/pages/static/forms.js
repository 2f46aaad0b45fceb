// Dialogs, and forms that change something: what was entered becomes a call of REST.
import { change, Refusal } from "./requests.js";
import { keep, toast } from "./toasts.js";

// From a form to the body of its call; null where nothing is different.
const BODIES = {
  edit(form) {
    const body = {};
    const name = form.elements.displayName;
    if (name.value.trim() !== name.defaultValue) body.displayName = name.value.trim();
    const tags = words(form.elements.tags.value);
    const known = words(form.elements.tags.defaultValue);
    const added = tags.filter((tag) => !known.includes(tag));
    const removed = known.filter((tag) => !tags.includes(tag));
    if (added.length) body.addTags = added;
    if (removed.length) body.removeTags = removed;
    const attributes = changedAttributes(form);
    if (Object.keys(attributes).length) body.customAttributes = attributes;
    for (const field of ["addPhone", "addEmail"]) {
      const value = form.elements[field].value.trim();
      if (value) body[field] = value;
    }
    return Object.keys(body).length ? body : null;
  },
  block: (form) => ({ blocked: form.dataset.blocked === "true" }),
  merge: (form) => ({ otherCustomerId: new FormData(form).get("otherCustomerId") }),
  split(form) {
    const given = new FormData(form);
    const body = { identityKeys: given.getAll("identityKeys") };
    if (given.get("since")) body.since = given.get("since");
    return body;
  },
  erase: () => undefined,
  judge: () => undefined,
};

function words(text) {
  return [...new Set(text.split(",").map((word) => word.trim()).filter(Boolean))];
}

function changedAttributes(form) {
  const before = JSON.parse(form.dataset.before ?? "{}");
  const now = attributes(form);
  const changed = {};
  for (const [name, value] of Object.entries(now)) {
    if (before[name] !== value) changed[name] = value;
  }
  for (const name of Object.keys(before)) {
    if (!(name in now)) changed[name] = null;
  }
  return changed;
}

function attributes(form) {
  const found = {};
  for (const row of form.querySelectorAll(".attribute")) {
    const [name, value] = row.querySelectorAll("input");
    if (name.value.trim()) found[name.value.trim()] = value.value;
  }
  return found;
}

// What of a form cannot be, before anybody is asked: the sentence, or nothing.
function wrong(form) {
  if (form.dataset.change === "split") {
    const boxes = [...form.querySelectorAll('[name="identityKeys"]')];
    const chosen = boxes.filter((box) => box.checked).length;
    // Of a number that changed hands its first owner stays, so all of it may be chosen.
    const isSince = form.elements.since?.checked ?? false;
    if (chosen === 0 || (chosen === boxes.length && !isSince)) return form.dataset.wrong;
  }
  if (form.dataset.change === "merge" && !new FormData(form).get("otherCustomerId")) {
    return form.dataset.wrong;
  }
  return "";
}

async function submit(form) {
  const sentences = document.querySelector("[data-sentences]")?.dataset ?? {};
  const button = form.querySelector('[type="submit"]');
  if (button.getAttribute("aria-busy") === "true") return;
  const fault = wrong(form);
  if (fault) return explain(form, fault, "");
  const body = BODIES[form.dataset.change](form);
  if (body === null) return closeOf(form);
  button.setAttribute("aria-busy", "true");
  // The same id however often it is pressed: what got lost on the way is done once.
  form.dataset.callId ??= crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
  try {
    const answer = await change(form.dataset.method, form.dataset.path, body, form.dataset.callId);
    delete form.dataset.callId;
    if (form.dataset.change === "judge") return judged(form, answer, sentences);
    keep(answer.pending ? sentences.pending : form.dataset.done);
    const id = answer.id ?? answer.customer?.id;
    location.assign(form.dataset.then ?? (id ? `/customers/${encodeURIComponent(id)}` : location.href));
  } catch (error) {
    if (error instanceof Refusal) {
      // Another answer to the same id is not to be had: the next try is another call.
      if (error.status < 500) delete form.dataset.callId;
      explain(form, sentences[error.status] ?? sentences.other, error.message, error.errors);
    } else {
      explain(form, sentences.offline, "");
    }
  } finally {
    button.removeAttribute("aria-busy");
  }
}

// A suggestion that was decided leaves the page; the next one takes the focus.
function judged(form, answer, sentences) {
  const card = form.closest("[data-suggestion]");
  const next = card.nextElementSibling ?? card.previousElementSibling;
  const sentence = answer.pending ? sentences.pending : form.dataset.done;
  card.remove();
  if (!document.querySelector("[data-suggestion]")) {
    keep(sentence); // the page of none is another one
    location.reload();
    return;
  }
  toast(sentence);
  if (next?.matches("[data-suggestion]")) next.querySelector("a")?.focus();
}

function explain(form, lead, detail, errors = []) {
  const place = form.querySelector("[data-problem]") ??
    form.closest("[data-suggestion]")?.querySelector("[data-problem]");
  if (!place) return toast(`${lead} ${detail}`, true);
  place.querySelector("[data-problem-lead]").textContent = lead;
  place.querySelector("[data-problem-detail]").textContent = errors[0]?.detail ?? detail;
  place.hidden = false;
  for (const field of form.elements) field.removeAttribute("aria-invalid");
  for (const error of errors) {
    const field = form.elements[error.at?.split("/")[1]];
    if (!(field instanceof HTMLElement)) continue;
    field.setAttribute("aria-invalid", "true");
    field.focus();
  }
}

function closeOf(element) {
  element.closest("dialog")?.close();
}

function addAttribute(place) {
  const row = document.createElement("div");
  row.className = "attribute";
  for (const [name, label, most] of [
    ["attributeName", place.dataset.name, 64],
    ["attributeValue", place.dataset.value, 1024],
  ]) {
    const input = document.createElement("input");
    input.name = name;
    input.placeholder = label;
    input.maxLength = most;
    input.setAttribute("aria-label", label);
    row.append(input);
  }
  const remove = document.createElement("button");
  remove.type = "button";
  remove.className = "button button-icon";
  remove.dataset.removes = "";
  remove.setAttribute("aria-label", place.dataset.remove);
  remove.textContent = "×";
  row.append(remove);
  place.append(row);
  row.querySelector("input").focus();
}

export function prepareForms() {
  for (const form of document.querySelectorAll('form[data-change="edit"]')) {
    form.dataset.before = JSON.stringify(attributes(form));
  }
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-change]");
    if (!form) return;
    event.preventDefault();
    submit(form);
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) {
      // A click beside an open dialog closes it, as Escape does.
      if (event.target.matches("dialog")) event.target.close();
      return;
    }
    if (button.dataset.opens) {
      document.getElementById(button.dataset.opens).showModal();
    } else if ("closes" in button.dataset) {
      closeOf(button);
    } else if ("adds" in button.dataset) {
      addAttribute(button.closest("fieldset").querySelector("[data-attributes]"));
    } else if ("removes" in button.dataset) {
      const place = button.closest("fieldset");
      button.closest(".attribute").remove();
      place.querySelector("[data-adds]").focus();
    } else if (button.dataset.discloses) {
      const part = document.getElementById(button.dataset.discloses);
      part.hidden = !part.hidden;
      button.setAttribute("aria-expanded", String(!part.hidden));
    }
  });
  // An address has only what is filtered by.
  document.addEventListener("htmx:configRequest", (event) => {
    if (!event.target.matches("[data-filters]")) return;
    const given = event.detail.parameters;
    for (const name of Object.keys(given)) {
      if (given[name] === "" || (name === "sort" && given[name] === "-lastSeenAt")) delete given[name];
    }
  });
  document.addEventListener("htmx:responseError", (event) => failed(event.detail.xhr?.status));
  document.addEventListener("htmx:sendError", () => failed(0));
}

function failed(status) {
  const sentences = document.querySelector("[data-toasts]").dataset;
  toast(status ? sentences.failed : sentences.offline, true);
}
