// An AI host on the official TypeScript client, given nothing but the URL.
//
// One JSON command a line on stdin, one JSON answer a line on stdout. It has no browser: where the
// person is needed it answers {redirect}, and the test brings the callback with {do: "finish"}.
// Plain ES module, so that every Node that the client itself supports can run it.

import { createInterface } from "node:readline";
import {
  Client,
  StreamableHTTPClientTransport,
  UnauthorizedError,
} from "@modelcontextprotocol/client";

const REDIRECT_URI = "http://127.0.0.1:53683/callback"; // nothing listens

const [url, mode, authMethod] = process.argv.slice(2);

class Provider {
  trace = [];
  redirect = undefined;
  #client;
  #tokens;
  #verifier;
  #discovery;
  #state;

  get redirectUrl() {
    return REDIRECT_URI;
  }

  get clientMetadata() {
    return {
      client_name: "Host on the TypeScript client",
      redirect_uris: [REDIRECT_URI],
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      token_endpoint_auth_method: authMethod,
    };
  }

  state() {
    this.#state = crypto.randomUUID();
    return this.#state;
  }

  isOurs(callback) {
    return callback.href.startsWith(`${REDIRECT_URI}?`) &&
      callback.searchParams.get("state") === this.#state;
  }

  clientInformation() {
    return this.#client;
  }

  saveClientInformation(client) {
    this.#client = client;
  }

  tokens() {
    return this.#tokens;
  }

  saveTokens(tokens) {
    this.#tokens = tokens;
  }

  codeVerifier() {
    return this.#verifier;
  }

  saveCodeVerifier(verifier) {
    this.#verifier = verifier;
  }

  discoveryState() {
    return this.#discovery;
  }

  saveDiscoveryState(state) {
    this.#discovery = state;
  }

  invalidateCredentials(scope) {
    if (scope === "all" || scope === "client") this.#client = undefined;
    if (scope === "all" || scope === "tokens") this.#tokens = undefined;
    if (scope === "all" || scope === "verifier") this.#verifier = undefined;
    if (scope === "all" || scope === "discovery") this.#discovery = undefined;
  }

  redirectToAuthorization(target) {
    this.redirect = target.href;
  }

  // Every answer as [method, path, status], in order.
  fetch = async (target, options) => {
    const answer = await fetch(target, options);
    this.trace.push([options?.method ?? "GET", new URL(target).pathname, answer.status]);
    return answer;
  };
}

const provider = new Provider();
let client;
let transport;

const commands = {
  async connect() {
    transport = new StreamableHTTPClientTransport(new URL(url), {
      authProvider: provider,
      fetch: provider.fetch,
    });
    client = new Client(
      { name: "typescript-host", version: "1" },
      { versionNegotiation: { mode: mode === "auto" || mode === "legacy" ? mode : { pin: mode } } },
    );
    await client.connect(transport);
    return { connected: client.getServerVersion().name };
  },

  async finish({ callback }) {
    const target = new URL(callback);
    if (!provider.isOurs(target)) throw new Error(`not our callback: ${callback}`);
    await transport.finishAuth(target.searchParams);
    return { finished: true };
  },

  async list() {
    return { tools: (await client.listTools()).tools.map((tool) => tool.name) };
  },

  async call({ name, arguments: values }) {
    return { result: await client.callTool({ name, arguments: values }) };
  },

  state() {
    return {
      trace: provider.trace,
      tokens: provider.tokens(),
      client: provider.clientInformation(),
    };
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  provider.redirect = undefined;
  let answer;
  try {
    answer = await commands[command.do](command);
  } catch (error) {
    answer =
      error instanceof UnauthorizedError && provider.redirect !== undefined
        ? { redirect: provider.redirect }
        : { error: `${error?.name}: ${error?.message}` };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await client?.close();
