// The chat widget: what waits for this person, on every page, in every open tab.
import { Card, price } from "./chat-card.js";
import { Connection } from "./chat-connection.js";

const chat = document.querySelector("[data-chat]");
const find = (name) => chat.querySelector(`[data-chat-${name}]`);
const panel = document.getElementById("chat-panel");
const list = find("cards");
const cards = new Map();
// The rail's count, which was true when the page was made.
const rail = document.querySelector("[data-rail-waiting]");
// What the server counts besides the cards that ask this person: further pages of the inbox; less
// what they have agreed to and could still reject.
let besides = 0;
const OPEN_KEY = "chat-open";
const STATES = {
  live: ["Live", "ok"],
  reconnecting: ["Reconnecting", "warn"],
  offline: ["Offline", "bad"],
  "signed-out": ["Signed out", "bad"],
};
const isWide = matchMedia("(min-width: 760px)");

// A link for those without JavaScript becomes the button that it looks like.
const launcher = document.createElement("button");
launcher.type = "button";
launcher.className = find("launcher").className;
launcher.append(...find("launcher").childNodes);
launcher.dataset.chatLauncher = "";
launcher.setAttribute("aria-controls", panel.id);
find("launcher").replaceWith(launcher);

function isOpen() {
  return !panel.hidden;
}

function open(wanted, { remember = true } = {}) {
  panel.hidden = !wanted;
  document.documentElement.classList.toggle("chat-is-open", wanted);
  launcher.setAttribute("aria-expanded", String(wanted));
  if (remember) sessionStorage.setItem(OPEN_KEY, wanted ? "yes" : "no");
}

launcher.addEventListener("click", () => open(!isOpen()));
find("close").addEventListener("click", () => {
  open(false);
  launcher.focus();
});
chat.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !isOpen()) return;
  open(false);
  launcher.focus();
});

async function api(path, body) {
  const headers = { Accept: "application/json" };
  const options = { headers, credentials: "same-origin" };
  if (body) {
    headers["Content-Type"] = "application/json";
    headers["X-CSRFToken"] = find("token").elements.csrfmiddlewaretoken.value;
    Object.assign(options, { method: "POST", body: JSON.stringify(body) });
  }
  const answer = await fetch(`/api/v1/${path}`, options);
  // A proxy's error page is no JSON.
  const content = await answer.json().catch(() => undefined);
  if (answer.ok && content) return content;
  const words = content?.error?.message ?? "The portal does not answer. Try again in a moment.";
  throw Object.assign(new Error(words), { status: answer.status });
}

async function decide(card, verdict, comment) {
  const body = verdict === "approve" ? { digest: card.digest, comment } : { comment };
  try {
    return (await api(`approvals/${card.id}/${verdict}`, body)).approval;
  } catch (problem) {
    const message =
      problem instanceof TypeError ? "The connection broke. Try again: nothing is done twice." : problem.message;
    // Somebody was first, or the price is another: show how it stands now.
    const now = await api(`approvals/${card.id}/`).catch(() => undefined);
    throw Object.assign(new Error(message), { card: now });
  }
}

function asking() {
  return [...cards.values()].filter((card) => card.asksMe).length;
}

function showInRail(waiting) {
  const words = document.createElement("span");
  words.className = "visually-hidden";
  words.textContent = " waiting for you";
  rail.className = "badge warn";
  rail.title = "Waiting for you";
  rail.hidden = !waiting;
  rail.replaceChildren(String(waiting), words);
}

function show() {
  const waiting = asking() + besides;
  const count = find("count");
  count.textContent = waiting > 99 ? "99+" : waiting;
  count.hidden = !waiting;
  find("name").textContent = waiting ? `Approvals, ${waiting} waiting` : "Approvals";
  if (rail) showInRail(waiting);
  find("empty").hidden = cards.size > 0;
  list.hidden = !cards.size;
}

list.addEventListener("chat:changed", show);

function add(data) {
  const card = new Card(find("card"), data, decide);
  cards.set(data.id, card);
  list.prepend(card.root);
  return card;
}

function concerns(data) {
  return data.may_approve || data.may_reject || data.may_cancel || data.requester.is_me;
}

async function changed(id) {
  const known = cards.get(id);
  let data;
  try {
    data = await api(`approvals/${id}/`);
  } catch (error) {
    if (error.status !== 404) throw error;
    // Of the account that the person has left in another tab.
    known?.root.remove();
    cards.delete(id);
    show();
    return;
  }
  if (known) {
    known.update(data);
  } else if (data.status === "pending" && concerns(data)) {
    const card = add(data);
    if (card.asksMe) arrived(data);
  }
  show();
}

function arrived(data) {
  find("announce").textContent = `Approval asked for: ${data.title}, ${price(data.cost)}`;
  // Opens by itself where there is room, unless the person has closed it; takes no focus.
  if (isWide.matches && sessionStorage.getItem(OPEN_KEY) !== "no") open(true, { remember: false });
}

async function load() {
  const page = await api("approvals/?state=waiting");
  const waiting = new Set(page.results.map((data) => data.id));
  for (const data of page.results.toReversed()) {
    const known = cards.get(data.id);
    if (known) known.update(data);
    else if (concerns(data)) add(data);
  }
  // What was decided while nobody told this tab.
  const gone = [...cards.keys()].filter((id) => !waiting.has(id) && cards.get(id).isWaiting);
  await Promise.all(gone.map(changed));
  besides = page.waiting - asking();
  show();
  return page.last_event_id;
}

function problem(words) {
  find("problem").textContent = words;
  find("problem").hidden = !words;
}

// One after another: two events of one approval must not overtake each other.
let queue = Promise.resolve();
function soon(work) {
  queue = queue.then(work).catch(() => problem("The list could not be read. It tries again soon."));
}

const connection = new Connection({
  event(event) {
    // Other parts of the page may wait for it (`hx-trigger="token.used from:body"`).
    document.body.dispatchEvent(new CustomEvent(event.kind, { detail: event.payload }));
    const id = event.payload?.approval_id;
    if (event.kind.startsWith("approval.") && id) soon(() => changed(id));
  },
  reset() {
    soon(load);
  },
  state(name) {
    const [words, tone] = STATES[name];
    find("state").textContent = words;
    find("state").className = `badge dot ${tone}`;
    chat.dataset.state = name;
    problem(name === "signed-out" ? "You are signed out. Load the page again to go on." : "");
  },
});

async function start(attempt = 0) {
  try {
    connection.start(await load());
  } catch (error) {
    if (error.status === 401) {
      connection.signedOut();
      return;
    }
    find("state").textContent = "Offline";
    find("state").className = "badge dot bad";
    setTimeout(() => start(attempt + 1), Math.min(15_000, 1000 * 2 ** attempt));
  }
}

open(sessionStorage.getItem(OPEN_KEY) === "yes" && isWide.matches, { remember: false });
setInterval(() => cards.forEach((card) => card.tick()), 30_000);
addEventListener("pageshow", (event) => event.persisted && start());
start();
