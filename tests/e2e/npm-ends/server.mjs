/* SPDX-License-Identifier: Apache-2.0 */
/* GraphQL over HTTP and over WebSocket, MCP and JSON-RPC, by the servers of other projects.
 *
 * argv: the address, the first port of HTTP, the first port of HTTPS, certificate, key, and a file
 * that gets one line for each message that came. Each kind of server has a port of its own, in the
 * order of KINDS. The word "ready" on stdout says that all of them listen. */
import { appendFileSync, readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';

import { buildSchema } from 'graphql';
import { createHandler } from 'graphql-http/lib/use/http';
import { useServer } from 'graphql-ws/lib/use/ws';
import jayson from 'jayson';
import { WebSocketServer } from 'ws';

import { handleMcp } from './mcp-server.mjs';

const [address, clearPort, securePort, certificate, key, log] = process.argv.slice(2);

function note(words) {
    appendFileSync(log, `${words}\n`);
}

const schema = buildSchema(`
    type Query { viewer: String secret: String }
    type Mutation { star(id: ID!): String drop: String }
    type Subscription { ticks(upto: Int!): Int secrets: Int }
`);

const rootValue = {
    viewer: () => { note('viewer'); return 'somebody'; },
    secret: () => { note('secret'); return 'secret'; },
    star: ({ id }) => { note(`star ${id}`); return id; },
    drop: () => { note('drop'); return 'dropped'; },
    async *ticks({ upto }) {
        note('ticks');
        for (let tick = 1; tick <= upto; tick++)
            yield { ticks: tick };
    },
    async *secrets() { note('secrets'); yield { secrets: 1 }; },
};

const methods = new jayson.Server({
    'reports.list': (params, done) => { note('reports.list'); done(null, ['first', 'second']); },
    'reports.purge': (params, done) => { note('reports.purge'); done(null, 'purged'); },
    'reports.fail': (params, done) => { note('reports.fail'); done({ code: 17, message: 'no reports' }); },
}).middleware();

function handleRpc(request, response) {
    let body = '';

    request.setEncoding('utf8');
    request.on('data', (piece) => { body += piece; });
    request.on('end', () => {
        try {
            request.body = JSON.parse(body);
        } catch {
            response.writeHead(400).end();
            return;
        }
        methods(request, response, () => response.writeHead(405).end());
    });
}

function notFound(request, response) {
    response.writeHead(404).end();
}

const KINDS = [createHandler({ schema, rootValue }), notFound, handleMcp(note), handleRpc];
const WEBSOCKET = 1;
const context = { cert: readFileSync(certificate), key: readFileSync(key) };
const servers = [];

for (const [kind, handle] of KINDS.entries()) {
    for (const [port, server] of [[clearPort, http.createServer(handle)],
                                  [securePort, https.createServer(context, handle)]]) {
        if (kind === WEBSOCKET)
            useServer({ schema, roots: { query: rootValue, subscription: rootValue } },
                      new WebSocketServer({ server, path: '/graphql' }));
        servers.push(new Promise((done) => server.listen(Number(port) + kind, address, done)));
    }
}
await Promise.all(servers);
console.log('ready');
