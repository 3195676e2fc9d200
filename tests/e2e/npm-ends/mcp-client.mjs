/* SPDX-License-Identifier: Apache-2.0 */
/* The client of the official MCP SDK: a session, a line for each step. argv: the URL. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { LoggingMessageNotificationSchema, ToolListChangedNotificationSchema }
    from '@modelcontextprotocol/sdk/types.js';

const transport = new StreamableHTTPClientTransport(new URL(process.argv[2]));
const client = new Client({ name: 'npm-ends', version: '1.0.0' });
let logged = [];
let announced;
const announcement = new Promise((done) => { announced = done; });

async function say(name, step) {
    try {
        console.log(`${name}: ${await step()}`);
    } catch (error) {
        console.log(`${name}: error ${error.code}: ${error.message.split('\n')[0]}`);
    }
}

async function call(name, path) {
    const result = await client.callTool({ name, arguments: { path } });
    const words = [...logged, ...result.content.map((one) => one.text)];

    logged = [];
    return words.join(', ');
}

client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => { logged.push(params.data); });
client.setNotificationHandler(ToolListChangedNotificationSchema, () => announced('announced by the server'));

await say('initialize', async () => {
    await client.connect(transport);
    return `${client.getServerVersion().name} ${transport.protocolVersion} ${Boolean(transport.sessionId)}`;
});
await say('ping', async () => JSON.stringify(await client.ping()));
await say('tools', async () => (await client.listTools()).tools.map(({ name }) => name).sort().slice(0, 4).join(' '));
await say('read', () => call('read', '/work/a'));
await say('rm', () => call('rm', '/work/a'));
await say('read elsewhere', () => call('read', '/etc/a'));
await say('read again', () => call('read', '/work/b'));
await say('announce', () => call('announce'));
await say('receive stream', () => Promise.race([
    announcement, new Promise((done) => { setTimeout(() => done('nothing'), 5000).unref(); })]));
await say('cut off', () => call('test_reconnection'));
await say('end of session', async () => { await transport.terminateSession(); return 'ended'; });
await client.close();
