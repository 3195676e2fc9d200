/* SPDX-License-Identifier: Apache-2.0 */
/* The client of graphql-ws. argv: the URL, then documents; says of each what came back. */
import { createClient } from 'graphql-ws';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { WebSocket } from 'ws';

const [url, ...documents] = process.argv.slice(2);
const proxy = process.env.http_proxy;

class TunnelledWebSocket extends WebSocket {
    constructor(address, protocols) {
        super(address, protocols, { agent: new HttpsProxyAgent(proxy) });
    }
}

async function ask(client, query) {
    const seen = [];

    try {
        for await (const result of client.iterate({ query }))
            seen.push(JSON.stringify(result.data ?? result.errors));
        return `${seen.join(' ')} complete`;
    } catch (error) {
        return [...seen, `closed ${error.code ?? error}`].join(' ');
    }
}

const client = createClient({
    url, webSocketImpl: proxy ? TunnelledWebSocket : WebSocket, lazy: true, retryAttempts: 0,
    lazyCloseTimeout: 2000,
});
for (const query of documents)
    console.log(await ask(client, query));
await client.dispose();
