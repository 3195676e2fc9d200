/* SPDX-License-Identifier: Apache-2.0 */
/* argv: the URL, then documents. Without documents, the result of each audit of the suite of
 * graphql-http; with them, what the client of graphql-http makes of each. A line each. */
import { createClient, serverAudits } from 'graphql-http';

const [url, ...documents] = process.argv.slice(2);
const client = createClient({ url });

function ask(query) {
    return new Promise((done) => {
        client.subscribe({ query }, {
            next: (result) => done(JSON.stringify(result.data ?? result.errors)),
            error: (error) => done(`error ${error.response?.status ?? error}`),
            complete: () => done('nothing'),
        });
    });
}

if (documents.length === 0) {
    for (const audit of serverAudits({ url })) {
        const { status, reason } = await audit.fn();

        console.log(`${audit.id} ${status} ${audit.name}${reason ? `: ${reason}` : ''}`);
    }
}
for (const query of documents)
    console.log(await ask(query));
