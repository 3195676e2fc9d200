/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON-RPC client of jayson. argv: the URL; a line for each answer. */
import { HttpsProxyAgent } from 'https-proxy-agent';
import jayson from 'jayson';

const url = new URL(process.argv[2]);
const proxy = process.env.http_proxy;
const kind = url.protocol === 'https:' ? 'https' : 'http';
const client = jayson.Client[kind]({
    hostname: url.hostname, port: url.port, path: url.pathname,
    ...(proxy && { agent: new HttpsProxyAgent(proxy) }),
});

function answer({ error, result }) {
    return error ? `error ${error.code}` : JSON.stringify(result);
}

function send(name, ...request) {
    return new Promise((done) => {
        client.request(...request, (problem, answers) => {
            console.log(`${name}: ${problem ? problem.message : [answers ?? []].flat().map(answer).join(', ')}`);
            done();
        });
    });
}

await send('list', 'reports.list', []);
await send('purge', 'reports.purge', ['all']);
await send('fail', 'reports.fail', []);
await send('batch', [client.request('reports.list', []), client.request('reports.fail', [])]);
await send('batch with purge', [client.request('reports.list', []), client.request('reports.purge', [])]);
await send('notification', 'reports.list', [], null);
await send('list again', 'reports.list', []);
