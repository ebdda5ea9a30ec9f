// The official JavaScript client where WebSockets do not get through: http_stream and sse with emulation.
//
// node fallback.mjs '{"transport", "encoding", "url", "token", "refresh_token", "dying_token", "channel", "order_id"}'
// prints one JSON object of what was seen; the judging is done by whoever asked (test_javascript_fallbacks.py).
import { EventSource } from 'eventsource';

import { Centrifuge, asked, logout, once, options, pack, renew, seen, tell, unpack, within, WITHIN_MS } from './person.mjs';

// Streams that can be cut under the client, as a lost network does, and the statuses of what it sent.
const cuts = [];
const statuses = new Set();
async function cuttable(address, given) {
  const answer = await fetch(address, given);
  if (!String(address).includes('/connection/')) {
    statuses.add(answer.status);
    return answer;
  }
  const reader = answer.body.getReader();
  const body = new ReadableStream({
    start(controller) {
      cuts.push(() => { controller.error(new TypeError('terminated')); reader.cancel(); });
    },
    async pull(controller) {
      const { done, value } = await reader.read();
      return done ? controller.close() : controller.enqueue(value);
    },
    cancel: () => reader.cancel(),
  });
  return new Response(body, { status: answer.status, headers: answer.headers });
}
class Cuttable extends EventSource {
  constructor(address, given) {
    super(address, { ...given, fetch: cuttable });
  }
}

function client(token, getToken) {
  const endpoint = `${asked.url}/connection/${asked.transport}`;
  return new Centrifuge([{ transport: asked.transport, endpoint }], {
    ...options, token, getToken, maxReconnectDelay: 500, emulationEndpoint: `${asked.url}/emulation`,
    fetch: cuttable, readableStream: ReadableStream, eventsource: Cuttable,
  });
}

const message = (text) => pack({
  order_id: asked.order_id, msg_id: `js-${Math.random().toString(36).slice(2)}`, kind: 'text', text,
});

async function main() {
  const live = client(asked.token, renew);
  const connected = once(live, 'connected');
  const server = once(live, 'subscribed');
  live.connect();
  seen.connected = (await connected).transport;
  seen.serverSide = (await server).channel;

  const follow = live.newSubscription(asked.channel, { joinLeave: true });
  const publications = [];
  follow.on('publication', ({ offset, data }) => {
    if (offset) {
      publications.push({ offset, text: unpack(data).data.text });
    }
  });
  const subscribed = once(follow, 'subscribed');
  follow.subscribe();
  seen.subscribed = { recoverable: (await subscribed).recoverable };
  seen.numUsers = (await follow.presenceStats()).numUsers;

  const speaker = client(asked.token, renew);
  speaker.connect();
  await speaker.ready(WITHIN_MS);
  const first = once(follow, 'publication');
  seen.rpc = unpack((await speaker.rpc('chat.send', message('第一句'))).data);
  await first;

  const back = once(follow, 'subscribed');
  const cut = once(live, 'connecting');
  cuts[0]();
  await cut;
  await speaker.rpc('chat.send', message('断线时的一句'));
  const last = unpack((await speaker.rpc('chat.send', message('断线时的又一句'))).data);
  const recovery = await back;
  seen.recovered = { wasRecovering: recovery.wasRecovering, recovered: recovery.recovered };
  if (!publications.some((one) => one.offset === last.offset)) {
    await once(follow, 'publication', (context) => context.offset === last.offset);
  }
  seen.publications = publications;
  const history = await follow.history({ limit: 3, reverse: true });
  seen.history = history.publications.map((one) => one.offset);

  try {
    await live.rpc('order.vanish', pack({}));
  } catch (error) {
    seen.unknownMethod = { code: error.code, message: error.message };
  }
  speaker.disconnect();

  let told;
  const wasAsked = new Promise((resolve) => { told = resolve; });
  let asks = 0;
  const dying = client(asked.dying_token, async () => {
    asks += 1;
    told();
    return renew();
  });
  let interruptions = -1;  // the first `connecting` is the first connection
  dying.on('connecting', () => { interruptions += 1; });
  dying.connect();
  await dying.ready(WITHIN_MS);
  await within(wasAsked, 'getToken');
  await dying.rpc('chat.typing', pack({ order_id: asked.order_id }));
  seen.renewed = { asks, interruptions, state: dying.state };
  dying.disconnect();

  const ended = once(live, 'disconnected');
  await logout();
  const end = await ended;
  seen.ended = { code: end.code, reason: end.reason, state: live.state };
  seen.statuses = [...statuses];
}

tell(main);
