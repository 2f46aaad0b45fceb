// Calls of REST from a page: with the session's token, and an id by which a repeated call is one.
export function csrfToken() {
  return document.querySelector('meta[name="csrf-token"]')?.content ?? "";
}

const LOOKS = 40;
const LOOK_AGAIN_MS = 500;

export class Refusal extends Error {
  constructor(status, detail, errors) {
    super(detail);
    this.status = status;
    this.errors = errors ?? [];
  }
}

// Returns what REST answered once the change is there. Throws a Refusal, or a TypeError where the
// server does not answer at all.
export async function change(method, path, body, idempotencyKey) {
  const answer = await fetch(path, {
    method,
    headers: {
      "Content-Type": "application/json",
      "X-CSRF-Token": csrfToken(),
      "Idempotency-Key": idempotencyKey,
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (answer.status === 202) return await later(answer);
  if (!answer.ok) throw await refusal(answer);
  return answer.status === 204 ? {} : await answer.json();
}

// Kafka has the command, and no worker has answered yet: looks until one does.
async function later(answer) {
  const status = answer.headers.get("Location");
  for (let look = 0; status && look < LOOKS; look += 1) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    const now = await fetch(status);
    if (!now.ok) throw await refusal(now);
    const outcome = await now.json();
    if (outcome.status === "applied") return outcome;
    if (outcome.status === "refused") throw new Refusal(409, outcome.detail ?? "");
  }
  return { pending: true };
}

async function refusal(answer) {
  if (answer.status === 401) location.assign("/sign-in");
  try {
    const problem = await answer.json();
    return new Refusal(answer.status, problem.detail ?? "", problem.errors);
  } catch {
    return new Refusal(answer.status, "", []);
  }
}
