/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded: has fetch() ask the proxy that the environment names for a tunnel (CONNECT). */
'use strict';

const { EnvHttpProxyAgent, setGlobalDispatcher } = require('undici');

setGlobalDispatcher(new EnvHttpProxyAgent());
