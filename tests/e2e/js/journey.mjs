// The official JavaScript client: connect, subscribe, rpc, recover, look up, renew the token, terminal close.
//
// node journey.mjs '{"encoding", "url", "token", "refresh_token", "dying_token", "other_token", "channel", "order_id"}'
// prints one JSON object of what was seen; the judging is done by whoever asked (test_javascript_client.py).
import WebSocket from 'ws';
import { Centrifuge, asked, logout, once, options, pack, renew, seen, tell, unpack, within, WITHIN_MS } from './person.mjs';

// Keeps the sockets it makes, so that the wire can be cut under the client.
const sockets = [];
class Cuttable extends WebSocket {
  constructor(...given) {
    super(...given);
    sockets.push(this);
  }
}

function client(token, getToken) {
  const address = asked.url.replace('http', 'ws') + '/connection/websocket';
  return new Centrifuge(address, { token, getToken, websocket: Cuttable, maxReconnectDelay: 500, ...options });
}

const message = (text) => pack({
  order_id: asked.order_id, msg_id: `js-${Math.random().toString(36).slice(2)}`, kind: 'text', text,
});
const shown = ({ offset, data }) => ({ offset: Number(offset), text: unpack(data).data.text });

async function refusal(call) {
  try {
    await call();
    return null;
  } catch (error) {
    return { code: error.code, message: error.message };
  }
}

// History, and presence while somebody else comes and goes.
async function lookAround(follow) {
  const history = await follow.history({ limit: 3, reverse: true });
  seen.history = { top: Number(history.offset), publications: history.publications.map(shown) };

  const other = client(asked.other_token);
  other.connect();
  const visit = other.newSubscription(asked.channel);
  const joined = once(follow, 'join');
  visit.subscribe();
  const { info } = await joined;
  const { clients } = await follow.presence();
  const { numUsers } = await follow.presenceStats();
  const left = once(follow, 'leave');
  visit.unsubscribe();
  seen.presence = {
    users: [...new Set(Object.values(clients).map((one) => one.user))], numUsers, joined: info.user,
    isListed: info.client in clients, left: (await left).info.client === info.client,
  };
  other.disconnect();
}

async function main() {
  const live = client(asked.token, renew);
  const server = once(live, 'subscribed');
  const connected = once(live, 'connected');
  live.connect();
  seen.connected = (await connected).transport;
  seen.serverSide = (await server).channel;

  const follow = live.newSubscription(asked.channel, { joinLeave: true });
  const publications = [];
  follow.on('publication', (context) => Number(context.offset) && publications.push(shown(context)));
  const subscribed = once(follow, 'subscribed');
  follow.subscribe();
  seen.subscribed = { recoverable: (await subscribed).recoverable };

  const speaker = client(asked.token, renew);
  speaker.connect();
  await speaker.ready(WITHIN_MS);
  const first = once(follow, 'publication');
  seen.rpc = unpack((await speaker.rpc('chat.send', message('第一句'))).data);
  await first;

  const back = once(follow, 'subscribed');
  const cut = once(live, 'connecting');
  sockets[0].terminate();
  await cut;
  await speaker.rpc('chat.send', message('断线时的一句'));
  const last = unpack((await speaker.rpc('chat.send', message('断线时的又一句'))).data);
  const recovery = await back;
  seen.recovered = { wasRecovering: recovery.wasRecovering, recovered: recovery.recovered };
  if (!publications.some((one) => one.offset === last.offset)) {
    await once(follow, 'publication', (context) => Number(context.offset) === last.offset);
  }
  seen.publications = publications;

  await lookAround(follow);

  seen.refused = await refusal(() => live.rpc('chat.send', pack({ order_id: asked.order_id })));
  seen.unknownMethod = await refusal(() => live.rpc('order.vanish', pack({})));
  seen.publish = await refusal(() => follow.publish(pack({ text: 'x' })));
  const foreign = live.newSubscription('order:nobody');
  const unsubscribed = once(foreign, 'unsubscribed');
  foreign.subscribe();
  seen.foreign = (await unsubscribed).code;
  speaker.disconnect();

  let asks = 0;
  let told;
  const wasAsked = new Promise((resolve) => { told = resolve; });
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
}

tell(main);
