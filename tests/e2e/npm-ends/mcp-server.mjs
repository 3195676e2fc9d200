/* SPDX-License-Identifier: Apache-2.0 */
/* A server of MCP over Streamable HTTP, by the official SDK, with what the official conformance suite
 * asks a server for: its descriptions of the scenarios say the names and what each does. */
import { randomUUID, webcrypto } from 'node:crypto';

import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import * as types from '@modelcontextprotocol/sdk/types.js';

/* Node 18 has no such global, and the transport of the SDK uses it. */
globalThis.crypto ??= webcrypto;

const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==';
const SOUND = 'UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA=';
const DIALECT = 'https://json-schema.org/draft/2020-12/schema';

const text = (words) => ({ type: 'text', text: words });
const image = { type: 'image', data: PIXEL, mimeType: 'image/png' };
const resource = (uri, words, mimeType = 'text/plain') => ({
    type: 'resource', resource: { uri, mimeType, text: words },
});
const pause = () => new Promise((done) => setTimeout(done, 20));

const DEFAULTS = {
    name: { type: 'string', default: 'John Doe' },
    age: { type: 'integer', default: 30 },
    score: { type: 'number', default: 95.5 },
    status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
    verified: { type: 'boolean', default: true },
};
const titled = (words) => [1, 2, 3].map((n) => ({ const: `value${n}`, title: `${words} ${n}` }));
const ENUMS = {
    untitledSingle: { type: 'string', enum: ['option1', 'option2', 'option3'] },
    titledSingle: { type: 'string', oneOf: titled('Option') },
    legacyEnum: { type: 'string', enum: ['opt1', 'opt2', 'opt3'], enumNames: ['One', 'Two', 'Three'] },
    untitledMulti: { type: 'array', items: { type: 'string', enum: ['option1', 'option2', 'option3'] } },
    titledMulti: { type: 'array', items: { anyOf: titled('Choice') } },
};

async function elicit(extra, message, properties, required) {
    const answer = await extra.sendRequest(
        { method: 'elicitation/create',
          params: { message, requestedSchema: { type: 'object', properties, ...(required && { required }) } } },
        types.ElicitResultSchema);

    return [text(`action=${answer.action}, content=${JSON.stringify(answer.content)}`)];
}

function log(extra, data) {
    return extra.sendNotification({ method: 'notifications/message', params: { level: 'info', data } });
}

/* Name of a tool: what it does. It gets the arguments, what belongs to the request, and the server. */
const TOOLS = {
    read: async ({ path }, extra) => {
        await log(extra, 'reading');
        return [text(`did read ${path}`)];
    },
    rm: async ({ path }) => [text(`did rm ${path}`)],
    announce: async (args, extra, server) => {
        await server.sendToolListChanged();
        return [text('announced')];
    },
    test_simple_text: async () => [text('This is a simple text response for testing.')],
    test_image_content: async () => [image],
    test_audio_content: async () => [{ type: 'audio', data: SOUND, mimeType: 'audio/wav' }],
    test_embedded_resource: async () => [resource('test://embedded-resource', 'An embedded resource.')],
    test_multiple_content_types: async () => [
        text('Multiple content types test:'), image,
        resource('test://mixed-content-resource', '{"test":"data","value":123}', 'application/json'),
    ],
    test_tool_with_logging: async (args, extra) => {
        for (const words of ['Tool execution started', 'Tool processing data', 'Tool execution completed']) {
            await log(extra, words);
            await pause();
        }
        return [text('logged')];
    },
    test_tool_with_progress: async (args, extra) => {
        for (const progress of [0, 50, 100]) {
            if (extra._meta?.progressToken !== undefined)
                await extra.sendNotification({
                    method: 'notifications/progress',
                    params: { progressToken: extra._meta.progressToken, progress, total: 100 },
                });
            await pause();
        }
        return [text('progressed')];
    },
    test_error_handling: async () => { throw new Error('This tool intentionally returns an error for testing'); },
    test_sampling: async ({ prompt }, extra) => {
        const answer = await extra.sendRequest(
            { method: 'sampling/createMessage',
              params: { messages: [{ role: 'user', content: text(prompt) }], maxTokens: 100 } },
            types.CreateMessageResultSchema);

        return [text(`LLM response: ${answer.content.text}`)];
    },
    test_elicitation: ({ message }, extra) => elicit(
        extra, message, { username: { type: 'string' }, email: { type: 'string' } }, ['username', 'email']),
    test_elicitation_sep1034_defaults: (args, extra) => elicit(extra, 'Defaults', DEFAULTS),
    test_elicitation_sep1330_enums: (args, extra) => elicit(extra, 'Enums', ENUMS),
    test_reconnection: async (args, extra) => {
        extra.closeSSEStream?.();
        await pause();
        return [text('reconnected')];
    },
    json_schema_2020_12_tool: async () => [text('valid')],
};

const SCHEMAS = {
    json_schema_2020_12_tool: {
        $schema: DIALECT, type: 'object',
        $defs: { address: { type: 'object', properties: { street: { type: 'string' }, city: { type: 'string' } } } },
        properties: { name: { type: 'string' }, address: { $ref: '#/$defs/address' } },
        additionalProperties: false,
    },
};

const RESOURCES = {
    'test://static-text': { mimeType: 'text/plain', text: 'The content of the static text resource.' },
    'test://static-binary': { mimeType: 'image/png', blob: PIXEL },
    'test://watched-resource': { mimeType: 'text/plain', text: 'watched' },
};

const user = (content) => ({ role: 'user', content });
const PROMPTS = {
    test_simple_prompt: () => [user(text('This is a simple prompt for testing.'))],
    test_prompt_with_arguments: ({ arg1, arg2 }) => [
        user(text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`))],
    test_prompt_with_embedded_resource: ({ resourceUri }) => [
        user(resource(resourceUri, 'Embedded resource content for testing.')),
        user(text('Please process the embedded resource above.'))],
    test_prompt_with_image: () => [user(image), user(text('Please analyze the image above.'))],
};
const ARGUMENTS = {
    test_prompt_with_arguments: ['arg1', 'arg2'],
    test_prompt_with_embedded_resource: ['resourceUri'],
};

function readResource(uri) {
    const found = RESOURCES[uri];
    const template = /^test:\/\/template\/([^/]+)\/data$/.exec(uri);

    if (found)
        return { uri, ...found };
    if (template)
        return { uri, mimeType: 'application/json', text: JSON.stringify({ id: template[1], templateTest: true }) };
    throw new types.McpError(types.ErrorCode.InvalidParams, `no resource ${uri}`);
}

async function callTool(request, extra, server) {
    const { name, arguments: given } = request.params;

    if (!TOOLS[name])
        throw new types.McpError(types.ErrorCode.InvalidParams, `no tool ${name}`);
    try {
        return { content: await TOOLS[name](given ?? {}, extra, server) };
    } catch (error) {
        return { isError: true, content: [text(error.message)] };
    }
}

function makeServer() {
    const server = new Server(
        { name: 'npm-ends', version: '1.0.0' },
        { capabilities: { tools: { listChanged: true }, resources: { subscribe: true }, prompts: {},
                          logging: {}, completions: {} } });
    const answer = (schema, handler) => server.setRequestHandler(schema, handler);

    answer(types.ListToolsRequestSchema, () => ({
        tools: Object.keys(TOOLS).map((name) => ({
            name, description: `The tool ${name}`, inputSchema: SCHEMAS[name] ?? { type: 'object' },
        })),
    }));
    answer(types.CallToolRequestSchema, (request, extra) => callTool(request, extra, server));
    answer(types.ListResourcesRequestSchema, () => ({
        resources: Object.entries(RESOURCES).map(([uri, { mimeType }]) => ({
            uri, mimeType, name: uri, description: `The resource ${uri}`,
        })),
    }));
    answer(types.ListResourceTemplatesRequestSchema, () => ({
        resourceTemplates: [{ uriTemplate: 'test://template/{id}/data', name: 'data' }],
    }));
    answer(types.ReadResourceRequestSchema, ({ params }) => ({ contents: [readResource(params.uri)] }));
    answer(types.SubscribeRequestSchema, () => ({}));
    answer(types.UnsubscribeRequestSchema, () => ({}));
    answer(types.ListPromptsRequestSchema, () => ({
        prompts: Object.keys(PROMPTS).map((name) => ({
            name, description: `The prompt ${name}`,
            arguments: (ARGUMENTS[name] ?? []).map((one) => ({ name: one, description: one, required: true })),
        })),
    }));
    answer(types.GetPromptRequestSchema, ({ params }) => ({
        messages: PROMPTS[params.name](params.arguments ?? {}),
    }));
    answer(types.CompleteRequestSchema, () => ({ completion: { values: ['paris', 'park'], total: 2, hasMore: false } }));
    answer(types.SetLevelRequestSchema, () => ({}));
    return server;
}

/* Keeps the events of a session, so that a client that was cut off gets the rest. */
class EventStore {
    constructor() {
        this.events = [];
    }

    async storeEvent(streamId, message) {
        return String(this.events.push({ streamId, message }) - 1);
    }

    async getStreamIdForEventId(eventId) {
        return this.events[Number(eventId)]?.streamId;
    }

    async replayEventsAfter(lastEventId, { send }) {
        const { streamId } = this.events[Number(lastEventId)];

        for (const [number, event] of this.events.entries()) {
            if (number > Number(lastEventId) && event.streamId === streamId && Object.keys(event.message).length > 0)
                await send(String(number), event.message);
        }
        return streamId;
    }
}

/* Returns the handler of HTTP requests. @note is called with each method that came, and with the tool. */
export function handleMcp(note) {
    const sessions = new Map();

    return async function handle(request, response) {
        let session = sessions.get(request.headers['mcp-session-id']);

        note(request.method);
        if (!session) {
            const transport = new StreamableHTTPServerTransport({
                sessionIdGenerator: randomUUID, eventStore: new EventStore(), retryInterval: 100,
                onsessioninitialized: (id) => sessions.set(id, transport),
                onsessionclosed: (id) => sessions.delete(id),
            });

            await makeServer().connect(transport);
            const onmessage = transport.onmessage;
            transport.onmessage = (message, extra) => {
                note([message.method ?? 'response', message.params?.name].filter(Boolean).join(' '));
                onmessage(message, extra);
            };
            session = transport;
        }
        await session.handleRequest(request, response);
    };
}
