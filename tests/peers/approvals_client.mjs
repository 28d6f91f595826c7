// Asks for approvals with the TypeScript SDKs and answers their dialogs, as a client with a person would.
//
// Usage: node approvals_client.mjs SDK ERA < what to do, as JSON
//     SDK  `v2` for @modelcontextprotocol/client, `v1` for @modelcontextprotocol/sdk
//     ERA  `legacy` or `modern`
// The input: {"server": {command, args, env, cwd}, "steps": [{"tool", "arguments", "answer"}]}. An argument with the
// value "$id" becomes the id that the last reply of request_approval named.
// The output, one line of JSON for each step: {"text": …, "dialogs": [{"message", "schema"}]}.

const [, , sdk, era] = process.argv;
const input = JSON.parse(await new Response(process.stdin).text());
const dialogs = [];
let answer;

function answered(request) {
  dialogs.push({ message: request.params.message, schema: request.params.requestedSchema });
  return answer;
}

async function connect() {
  const info = { name: `typescript-${sdk}`, version: "1.0" };
  const options = { capabilities: { elicitation: {} } };
  if (sdk === "v1") {
    const { Client } = await import("@modelcontextprotocol/sdk/client/index.js");
    const { StdioClientTransport } = await import("@modelcontextprotocol/sdk/client/stdio.js");
    const { ElicitRequestSchema } = await import("@modelcontextprotocol/sdk/types.js");
    const client = new Client(info, options);
    client.setRequestHandler(ElicitRequestSchema, answered);
    await client.connect(new StdioClientTransport(input.server));
    return client;
  }
  const { Client } = await import("@modelcontextprotocol/client");
  const { StdioClientTransport } = await import("@modelcontextprotocol/client/stdio");
  const mode = era === "modern" ? { pin: "2026-07-28" } : "legacy";
  const client = new Client(info, { ...options, versionNegotiation: { mode } });
  client.setRequestHandler("elicitation/create", answered);
  await client.connect(new StdioClientTransport(input.server));
  return client;
}

const client = await connect();
let id = "";
for (const step of input.steps) {
  dialogs.length = 0;
  answer = step.answer;
  const given = Object.entries(step.arguments).map(([key, value]) => [key, value === "$id" ? id : value]);
  const result = await client.callTool({ name: step.tool, arguments: Object.fromEntries(given) });
  const text = result.content.map((part) => part.text).join("");
  if (step.tool === "request_approval") id = text.split(/[\s:]+/)[1];
  console.log(JSON.stringify({ text, dialogs }));
}
await client.close();
