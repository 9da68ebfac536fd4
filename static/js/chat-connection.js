// Events of this person's account: by socket, by polling while there is none. The server keeps them;
// `last` is the position in its stream, so nothing is missed or told twice.
const POLL_MS = 15_000;
const PING_MS = 25_000;
const SLOWEST_RETRY_MS = 15_000;
const SIGNED_OUT = 4401;
const OTHER_ACCOUNT = 4409;

export class Connection {
  // `hooks`: event(event), reset(), state("live" | "reconnecting" | "offline" | "signed-out").
  constructor(hooks) {
    this.hooks = hooks;
    this.last = 0;
    this.failures = 0;
    this.isOver = false;
    addEventListener("online", () => this.retryNow());
    addEventListener("pagehide", () => this.stop());
    document.addEventListener("visibilitychange", () => document.hidden || this.retryNow());
  }

  start(last) {
    this.last = Math.max(this.last, last);
    this.isOver = false;
    this.retryNow();
  }

  stop() {
    this.isOver = true;
    clearTimeout(this.retry);
    clearInterval(this.ping);
    clearTimeout(this.poll);
    // Or whoever comes back to the page from the browser's memory would never poll again.
    this.poll = undefined;
    this.socket?.close();
    this.socket = undefined;
  }

  retryNow() {
    if (this.isOver || this.socket) return;
    clearTimeout(this.retry);
    this.open();
  }

  // A socket that has said hello; until then it may still be refused.
  get isLive() {
    return Boolean(this.socket && !this.failures);
  }

  open() {
    const url = new URL(`/ws/events/?after=${this.last}`, location.href);
    url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    let socket;
    try {
      socket = new WebSocket(url);
    } catch {
      this.closed({ code: 0 });
      return;
    }
    this.socket = socket;
    socket.onmessage = (message) => this.receive(JSON.parse(message.data));
    socket.onclose = (event) => {
      if (this.socket === socket) this.closed(event);
    };
  }

  receive(message) {
    if (message.type === "hello") {
      this.failures = 0;
      clearTimeout(this.poll);
      this.poll = undefined;
      clearInterval(this.ping);
      this.ping = setInterval(() => this.socket?.send('{"type":"ping"}'), PING_MS);
      this.hooks.state("live");
    } else if (message.type === "reset") {
      this.last = message.last;
      this.hooks.reset();
    } else if (message.type === "event") {
      this.take(message);
    }
  }

  take(event) {
    if (event.id <= this.last) return;
    this.last = event.id;
    this.hooks.event(event);
  }

  closed({ code }) {
    this.socket = undefined;
    clearInterval(this.ping);
    if (this.isOver) return;
    if (code === OTHER_ACCOUNT) this.hooks.reset();
    this.failures += 1;
    this.hooks.state(navigator.onLine ? "reconnecting" : "offline");
    const wait = Math.min(SLOWEST_RETRY_MS, 500 * 2 ** Math.min(this.failures, 6));
    this.retry = setTimeout(() => this.open(), wait * (0.5 + Math.random() / 2));
    // Where sockets are blocked for good, the retries go on and this does the work. Whether the
    // person is signed out it finds out too: the cookie may be newer than the socket was.
    const soon = code === SIGNED_OUT || this.failures > 1;
    this.poll ??= setTimeout(() => this.pollOnce(), soon ? 0 : 2000);
  }

  async pollOnce() {
    try {
      const answer = await fetch(`/api/v1/events/?after=${this.last}`, {
        headers: { Accept: "application/json" },
      });
      if (this.isOver) return;
      if (answer.status === 401) {
        this.signedOut();
        return;
      }
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      const page = await answer.json();
      page.results.forEach((event) => this.take(event));
      if (page.reset) this.hooks.reset();
      // A socket that opened meanwhile may be further on already.
      this.last = page.reset ? page.last : Math.max(this.last, page.last);
      if (!this.isLive) this.hooks.state("reconnecting");
    } catch {
      if (!this.isOver && !this.isLive) this.hooks.state("offline");
    }
    if (!this.isOver && this.poll !== undefined) {
      clearTimeout(this.poll);
      this.poll = setTimeout(() => this.pollOnce(), POLL_MS);
    }
  }

  signedOut() {
    this.stop();
    this.hooks.state("signed-out");
  }
}
