// Signs a person in to Cliqtel from nothing but the URL, then calls it as that person.
//
// node typescript_oauth.ts http://127.0.0.1:8000/mcp

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import {
  Client,
  StreamableHTTPClientTransport,
  UnauthorizedError,
  type OAuthClientMetadata,
  type OAuthClientProvider,
  type OAuthDiscoveryState,
  type StoredOAuthClientInformation,
  type StoredOAuthTokens,
} from "@modelcontextprotocol/client";

// Forgets at the end. To be asked once a month only, keep tokens and client where other users
// can't read them.
class MemoryProvider implements OAuthClientProvider {
  readonly redirectUrl: string;
  #state = "";
  #client?: StoredOAuthClientInformation;
  #tokens?: StoredOAuthTokens;
  #verifier = "";
  #discovery?: OAuthDiscoveryState;

  constructor(redirectUrl: string) {
    this.redirectUrl = redirectUrl;
  }

  get clientMetadata(): OAuthClientMetadata {
    return {
      client_name: "TypeScript sample",
      redirect_uris: [this.redirectUrl],
      token_endpoint_auth_method: "none",
    };
  }

  state = () => (this.#state = crypto.randomUUID());
  isOurs = (answer: URLSearchParams) => answer.get("state") === this.#state;
  clientInformation = () => this.#client;
  saveClientInformation = (client: StoredOAuthClientInformation) => void (this.#client = client);
  tokens = () => this.#tokens;
  saveTokens = (tokens: StoredOAuthTokens) => void (this.#tokens = tokens);
  codeVerifier = () => this.#verifier;
  saveCodeVerifier = (verifier: string) => void (this.#verifier = verifier);
  discoveryState = () => this.#discovery;
  saveDiscoveryState = (discovery: OAuthDiscoveryState) => void (this.#discovery = discovery);
  redirectToAuthorization = (target: URL) => console.log(`Sign in at ${target}`);
}

const url = process.argv[2];
if (!url) {
  console.error("Usage: node typescript_oauth.ts URL");
  process.exit(2);
}

// Where the browser comes back to: a server on this computer, for one answer.
const answered = Promise.withResolvers<URLSearchParams>();
const loopback = createServer((request, response) => {
  const target = new URL(request.url ?? "/", "http://127.0.0.1");
  const isCallback = target.pathname === "/callback";
  response.writeHead(isCallback ? 200 : 404, { connection: "close" });
  response.end(isCallback ? "You can close this window." : "");
  if (isCallback) answered.resolve(target.searchParams);
});
// Port 0: any that is free. Another port needs no new registration (RFC 8252, 7.3).
await new Promise<void>((done) => loopback.listen(0, "127.0.0.1", done));
const { port } = loopback.address() as AddressInfo;

// Finds the authorization server, registers there, uses PKCE, and renews the token.
const provider = new MemoryProvider(`http://127.0.0.1:${port}/callback`);
const client = new Client(
  { name: "typescript-sample", version: "1.0.0" },
  { versionNegotiation: { mode: "auto" } },
);
const transportOf = () =>
  new StreamableHTTPClientTransport(new URL(url), { authProvider: provider });

try {
  const transport = transportOf();
  try {
    await client.connect(transport);
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error;
    const answer = await answered.promise;
    if (!provider.isOurs(answer)) throw new Error("not an answer to our question");
    await transport.finishAuth(answer); // checks iss, and throws where the person refused
    await client.connect(transportOf());
  }
  const { tools } = await client.listTools();
  console.log(`${tools.length} tools: ${tools.map((tool) => tool.name).join(", ")}`);
  for (const [name, values] of [["whoami", {}], ["list_inventory", { limit: 5 }]] as const) {
    const result = await client.callTool({ name, arguments: values });
    console.log(`${name}: ${JSON.stringify(result.structuredContent)}`);
  }
} finally {
  await client.close();
  loopback.close();
  loopback.closeAllConnections();
}
