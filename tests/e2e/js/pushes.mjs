// What the official JavaScript client makes of what a server begins by itself.
//
// node pushes.mjs '{"encoding", "url", "token", "until"}' prints one line when it is connected and one with all
// events on the client, in order, once the channel `until` was unsubscribed (test_javascript_pushes.py judges).
import WebSocket from 'ws';
import { speaking } from './encoding.mjs';

const asked = JSON.parse(process.argv[2]);
const { Centrifuge, options, unpack } = await speaking(asked.encoding);
const WITHIN_MS = 15000;
const client = new Centrifuge(asked.url, { token: asked.token, websocket: WebSocket, ...options });
const seen = [];

function finish(what, code) {
  process.stdout.write(JSON.stringify(what) + '\n', () => process.exit(code));
}

setTimeout(() => finish({ failed: `nothing within ${WITHIN_MS} ms`, seen }, 1), WITHIN_MS);
client.on('message', ({ data }) => seen.push({ message: unpack(data) }));
client.on('publication', ({ channel, offset, data }) => {
  seen.push({ publication: channel, offset: Number(offset), data: unpack(data).data });
});
client.on('subscribed', ({ channel, recoverable, streamPosition: at }) => {
  seen.push({ subscribed: channel, recoverable, offset: Number(at.offset), epoch: at.epoch });
});
client.on('unsubscribed', ({ channel }) => {
  seen.push({ unsubscribed: channel });
  if (channel === asked.until) {
    finish(seen, 0);
  }
});
client.on('disconnected', ({ code }) => finish({ failed: `disconnected with ${code}`, seen }, 1));
client.on('connected', () => process.stdout.write('"connected"\n'));
client.connect();
