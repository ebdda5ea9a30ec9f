// What the official JavaScript client makes of the closes and refusals it is given.
//
// node closes.mjs '{"encoding", "url", "token", "next"}' prints one line an event: {"connected"}, {"connecting": code},
// {"disconnected": code}, {"error": code}. `next` are tokens that getToken hands out, one after the other; with none
// left, or none given, there is no getToken. Lives until it is killed (test_client_closes.py).
import WebSocket from 'ws';
import { speaking } from './encoding.mjs';

const asked = JSON.parse(process.argv[2]);
const { Centrifuge, options } = await speaking(asked.encoding);
const renewing = asked.next.length ? { getToken: async () => asked.next.shift() ?? '' } : {};
const client = new Centrifuge(asked.url, {
  token: asked.token, websocket: WebSocket, minReconnectDelay: 50, maxReconnectDelay: 100, ...renewing, ...options,
});
const told = (what) => process.stdout.write(JSON.stringify(what) + '\n');

client.on('connected', () => told({ connected: true }));
client.on('connecting', ({ code }) => code && told({ connecting: code }));
client.on('disconnected', ({ code, reason }) => told({ disconnected: code, reason }));
client.on('error', ({ error }) => told({ error: error.code }));
client.connect();
setInterval(() => {}, 1000);
