// Somebody with a login who plays a journey with the official JavaScript client.
//
// What was asked comes as one JSON argument; what was seen leaves as one JSON object, judged by whoever asked.
import { speaking } from './encoding.mjs';

export const asked = JSON.parse(process.argv[2]);
export const { Centrifuge, options, pack, unpack } = await speaking(asked.encoding);
export const WITHIN_MS = 8000;
export const seen = {};
const login = { token: asked.token, refresh_token: asked.refresh_token };

export function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing within ${WITHIN_MS} ms`)), WITHIN_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

export function once(emitter, event, fits = () => true) {
  return within(new Promise((resolve) => {
    const listen = (context) => {
      if (fits(context)) {
        emitter.off(event, listen);
        resolve(context);
      }
    };
    emitter.on(event, listen);
  }), event);
}

async function post(path, body, token) {
  const headers = { 'Content-Type': 'application/json', ...(token ? { Authorization: `Bearer ${token}` } : {}) };
  const answer = await fetch(asked.url + path, { method: 'POST', headers, body: JSON.stringify(body) });
  return (await answer.json()).data;
}

// A new access token for the refresh token, which is spent by that.
export async function renew() {
  Object.assign(login, await post('/api/user/refresh', { refresh_token: login.refresh_token }));
  return login.token;
}

export async function logout() {
  await post('/api/user/logout', {}, login.token);
}

// Plays, and prints what was seen, also when it goes wrong.
export function tell(play) {
  play().then(
    () => process.stdout.write(JSON.stringify(seen) + '\n', () => process.exit(0)),
    (error) => process.stdout.write(JSON.stringify({ ...seen, failed: String(error) }) + '\n', () => process.exit(1)),
  );
}
