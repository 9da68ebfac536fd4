// Calls Cliqtel with a token: no browser, for scripts and servers.
//
// CLIQTEL_TOKEN=ct_mcp_... node typescript_bearer.ts http://127.0.0.1:8000/mcp

import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";

const url = process.argv[2];
const token = process.env.CLIQTEL_TOKEN;
if (!url || !token) {
  console.error("Usage: CLIQTEL_TOKEN=ct_mcp_... node typescript_bearer.ts URL");
  process.exit(2);
}

const client = new Client(
  { name: "typescript-sample", version: "1.0.0" },
  { versionNegotiation: { mode: "auto" } },
);
await client.connect(
  new StreamableHTTPClientTransport(new URL(url), { authProvider: { token: async () => token } }),
);
try {
  const { tools } = await client.listTools();
  console.log(`${tools.length} tools: ${tools.map((tool) => tool.name).join(", ")}`);

  const me = await call("whoami");
  console.log(`${me.user.name} of ${me.tenant.name}, scopes: ${me.scopes.join(" ")}`);

  const page = await call("list_inventory", { kind: "numbers", limit: 5 });
  for (const number of page.numbers) console.log(`${number.number}  ${number.status}`);
} finally {
  await client.close();
}

// The tool's result as data. A refusal is thrown with its code and what to do next.
async function call(name: string, values: Record<string, unknown> = {}): Promise<any> {
  const result = await client.callTool({ name, arguments: values });
  const content = result.structuredContent as any;
  if (result.isError) throw new Error(`${name}: ${content.error.code}: ${content.error.message}`);
  return content;
}
