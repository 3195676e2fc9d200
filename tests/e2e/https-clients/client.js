/* SPDX-License-Identifier: Apache-2.0 */
/* client.js fetch|https BASE CELL: three requests by Node; see https-clients-test.py. */
const [kind, base, cell] = process.argv.slice(2);

function show(status, text) {
    console.log(`STATUS ${status}\n${text.trim()}`);
}

async function byFetch(method, url, body) {
    const response = await fetch(url, { method, body });
    show(response.status, await response.text());
}

function byModule(method, url, body) {
    const { request } = require(url.startsWith('https:') ? 'https' : 'http');
    return new Promise((resolve, reject) => {
        const asked = request(url, { method, timeout: 8000 }, (response) => {
            let text = '';
            response.on('data', (piece) => { text += piece; });
            response.on('end', () => { show(response.statusCode, text); resolve(); });
            response.on('error', reject);
        });
        asked.on('error', reject);
        asked.end(body);
    });
}

async function main() {
    const ask = kind === 'fetch' ? byFetch : byModule;
    await ask('GET', `${base}/allowed/${cell}`);
    await ask('POST', `${base}/refused/${cell}`, 'secret');
    await ask('GET', `${base}/hidden/${cell}`);
}

main().catch((error) => { console.error(error); process.exit(1); });
