// One approval as a card. Everything that came from elsewhere is set as text, never as markup.
const AGE = new Intl.RelativeTimeFormat("en-GB", { numeric: "auto" });
const STEPS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
const SETTLED = {
  approved: "Approved",
  executing: "Approved",
  executed: "Approved",
  failed: "Approved",
  rejected: "Rejected",
  cancelled: "Taken back",
  expired: "Expired",
};
const TONES = { executed: "ok", failed: "bad", rejected: "bad" };

export function price(cost) {
  if (!cost) return "No cost";
  const parts = [];
  if (Number(cost.once.amount)) parts.push(`${cost.once.text} once`);
  if (Number(cost.monthly.amount)) parts.push(`${cost.monthly.text} a month`);
  return parts.join(" · ") || "No cost";
}

export function ago(moment) {
  const seconds = (new Date(moment) - Date.now()) / 1000;
  const [unit, size] = STEPS.find(([, step]) => Math.abs(seconds) >= step) ?? STEPS.at(-1);
  return AGE.format(Math.round(seconds / size), unit);
}

// Needs more than a click: the approval's own page has the room for it.
function needsReview(card) {
  return card.needs_password || card.approvals_missing > 1;
}

export class Card {
  // `decide(card, verdict, comment)` posts and resolves to the new card, or throws an Error to show.
  constructor(template, data, decide) {
    this.root = template.content.firstElementChild.cloneNode(true);
    this.decide = decide;
    this.part("decide").addEventListener("submit", (event) => this.submit(event));
    const label = this.part("comment-label");
    this.root.querySelector("textarea").id = label.htmlFor = `chat-comment-${data.id}`;
    this.root.querySelector("h3").id = `chat-title-${data.id}`;
    this.root.setAttribute("aria-labelledby", `chat-title-${data.id}`);
    this.update(data);
  }

  part(name) {
    return this.root.querySelector(`[data-${name}]`);
  }

  get isWaiting() {
    return this.data.status === "pending";
  }

  get asksMe() {
    return this.isWaiting && (this.data.may_approve || this.data.may_reject);
  }

  update(data) {
    this.data = data;
    this.part("title").textContent = data.title;
    this.part("summary").textContent = data.summary;
    this.part("summary").hidden = !data.summary;
    const before = data.previous_cost ? ` (was ${price(data.previous_cost)})` : "";
    this.part("price").textContent = price(data.cost) + before;
    const who = data.requester.is_me ? "you" : data.requester.name;
    this.part("who").textContent = `Asked by ${who}${data.host ? ` through ${data.host}` : ""}.`;
    this.part("reason").hidden = !data.reason;
    this.part("reason-text").textContent = data.reason;
    this.part("review").href = data.url;
    this.part("review").setAttribute("aria-label", `Review: ${data.title}`);
    const { approve, reject } = this.buttons();
    approve.hidden = !data.may_approve || needsReview(data);
    reject.hidden = !data.may_reject;
    this.part("comment").hidden = approve.hidden && reject.hidden;
    this.part("review").classList.toggle("primary", data.may_approve && approve.hidden);
    const why = data.needs_password ? "It needs your password: review it." : data.why_not;
    this.part("why-not").textContent = why ?? "";
    this.part("why-not").hidden = !why || !this.isWaiting;
    if (!this.isWaiting) this.settle();
    this.tick();
    this.root.dispatchEvent(new CustomEvent("chat:changed", { bubbles: true }));
  }

  buttons() {
    const [approve, reject] = this.root.querySelectorAll("button");
    return { approve, reject };
  }

  tick() {
    const { status, expires_at: end, decided_at: at } = this.data;
    const words = status === "pending" ? `Expires ${ago(end)}.` : at ? `Decided ${ago(at)}.` : "";
    this.part("when").textContent = words;
  }

  settle() {
    const { status, decided_by: by, comment, outcome } = this.data;
    for (const name of ["decide", "reason", "why-not"]) this.part(name).hidden = true;
    const verdict = `${SETTLED[status] ?? status}${by ? ` by ${by}` : ""}.`;
    const going = status === "approved" || status === "executing" ? "Being carried out…" : "";
    const words = [verdict, comment ? `“${comment}”` : "", going || outcome];
    this.tell(words.filter(Boolean).join(" "), TONES[status] ?? "info");
  }

  tell(words, tone) {
    const told = this.part("told");
    told.textContent = words;
    told.className = `small notice ${tone}`;
    told.hidden = false;
  }

  async submit(event) {
    event.preventDefault();
    const verdict = event.submitter?.value;
    const { approve, reject } = this.buttons();
    if (!verdict || approve.disabled) return;
    const hadFocus = this.root.contains(document.activeElement);
    approve.disabled = reject.disabled = true;
    this.tell(verdict === "approve" ? "Approving…" : "Rejecting…", "info");
    try {
      const comment = this.root.querySelector("textarea").value;
      this.part("told").hidden = true;
      this.update(await this.decide(this.data, verdict, comment));
    } catch (problem) {
      if (problem.card) this.update(problem.card);
      if (this.isWaiting) this.tell(problem.message, "bad");
    } finally {
      approve.disabled = reject.disabled = false;
    }
    // The button that had the focus may be gone: keep the keyboard where the person was.
    if (hadFocus && !this.root.contains(document.activeElement)) this.root.focus();
  }
}
