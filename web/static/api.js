// HTTP calls in the envelope of the public contract, and the login of this tab.
//
// The login lives in sessionStorage: two windows side by side can be two people.

const KEY = "peihu.login";

export class ApiError extends Error {
  constructor(status, envelope) {
    super(envelope.message || envelope.code);
    this.status = status;
    this.code = envelope.code;
    this.data = envelope.data;
    this.errors = envelope.errors || [];
  }
}

export function login() {
  return JSON.parse(sessionStorage.getItem(KEY) || "null");
}

export function keepLogin(value) {
  if (value) sessionStorage.setItem(KEY, JSON.stringify({ ...login(), ...value }));
  else sessionStorage.removeItem(KEY);
}

export function randomKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function send(method, path, body, key) {
  const headers = { "Content-Type": "application/json" };
  const held = login();
  if (held && path.startsWith("/api/")) headers.Authorization = `Bearer ${held.token}`;
  if (method === "POST" && !path.startsWith("/api/user/")) headers["Idempotency-Key"] = key;
  let response;
  try {
    response = await fetch(path, { method, headers, body: method === "POST" ? JSON.stringify(body || {}) : undefined });
  } catch (error) {
    throw new ApiError(0, { code: "offline", message: "连不上服务器,请检查网络后再试" });
  }
  const envelope = await response.json().catch(() => ({ code: "unavailable", message: "服务器没有正常回答" }));
  if (envelope.code !== "ok") throw new ApiError(response.status, envelope);
  return envelope.data;
}

let renewing = null;

export function renew() {
  renewing ||= send("POST", "/api/user/refresh", { refresh_token: login().refresh_token })
    .then((fresh) => {
      keepLogin({ token: fresh.token, refresh_token: fresh.refresh_token });
      return fresh.token;
    })
    .finally(() => { renewing = null; });
  return renewing;
}

async function call(method, path, body) {
  const key = randomKey();
  try {
    return await send(method, path, body, key);
  } catch (error) {
    if (error.code !== "token_expired" || path === "/api/user/refresh") throw error;
    await renew();
    return send(method, path, body, key);
  }
}

export function get(path, query) {
  return call("GET", query ? `${path}?${new URLSearchParams(query)}` : path);
}

export function post(path, body) {
  return call("POST", path, body);
}

export function listed(answer) {
  return Array.isArray(answer) ? answer : answer.items;
}

export async function enter(phone, password) {
  const answer = await post("/api/user/login", { phone, password });
  keepLogin({ user: answer.user, token: answer.token, refresh_token: answer.refresh_token });
  return answer.user;
}
