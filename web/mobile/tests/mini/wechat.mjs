// `wx` as WeChat offers it, as far as the app asks: network, files, storage, the person's answers.
//
// The network is real. As in WeChat only the domain that was entered there may be asked, over https and wss; where it lies is
// given beside it. What a person decides in WeChat's own windows is decided beforehand in `person`.
import { randomUUID } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

import WebSocket from "ws";

const PHONE = { windowWidth: 390, windowHeight: 844, screenWidth: 390, screenHeight: 844, pixelRatio: 3, statusBarHeight: 47 };
const DEVICE = { brand: "Redmi", model: "Redmi Note 9", system: "Android 10", platform: "android" };
const BASE = { SDKVersion: "2.32.3", version: "8.0.40", language: "zh_CN", theme: "light", enableDebug: false };

/** A call with `success`, `fail` and `complete`, over a promise; as in WeChat it is a promise where no callback is given. */
function asked(work) {
  return (options = {}) => {
    const done = Promise.resolve().then(() => work(options));
    if (!options.success && !options.fail && !options.complete) return done;
    done.then(
      (told) => (options.success?.(told ?? {}), options.complete?.(told ?? {})),
      (error) => (options.fail?.({ errMsg: `fail ${error.message}` }), options.complete?.({ errMsg: `fail ${error.message}` })),
    );
    return undefined;
  };
}

/** As WeChat does: what is not JSON stays text. */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/**
 * @param domain the only one that may be asked; `server` is where it lies, as host and port
 * @param folder for files
 * @param person `login` codes for wx.login, `picture` a path for wx.chooseImage; `granted` gets what was agreed to
 * @param fault told what a mini program must not do
 * @returns `wx`, and `waiting()`: how many requests have no answer yet
 */
export function wechat({ domain, server, folder, person, fault }) {
  const stored = new Map();
  let underWay = 0;

  function placeOf(url, scheme) {
    const [, asked, host, path] = /^(\w+):\/\/([^/]+)(\/.*)$/.exec(url) ?? [];
    if (asked === `${scheme}s` && host === domain) return `${scheme}://${server}${path}`;
    fault(`not in the list of domains: ${url}`);
    throw new Error("url not in domain list");
  }

  async function fetched(url, { method, header, body, timeout }) {
    const place = placeOf(url, "http");
    underWay += 1;
    try {
      const answer = await fetch(place, { method, headers: header, body, signal: AbortSignal.timeout(timeout ?? 60_000) });
      return { status: answer.status, headers: answer.headers, body: Buffer.from(await answer.arrayBuffer()) };
    } catch (error) {
      throw new Error(error.name === "TimeoutError" ? "timeout" : String(error.cause ?? error));
    } finally {
      underWay -= 1;
    }
  }

  async function request({ url, method = "GET", header = {}, data, dataType = "json", timeout }) {
    const isPlain = typeof data === "object" && !(data instanceof ArrayBuffer);
    const body = method === "GET" ? undefined : isPlain ? JSON.stringify(data) : data;
    const answer = await fetched(url, { method, header, body, timeout });
    const text = answer.body.toString();
    return { statusCode: answer.status, header: Object.fromEntries(answer.headers), data: dataType === "json" ? parsed(text) : text };
  }

  async function uploadFile({ url, filePath, name, formData = {}, header = {}, timeout }) {
    const form = new FormData();
    for (const [key, value] of Object.entries(formData)) form.append(key, value);
    form.append(name, new Blob([readFileSync(filePath)], { type: "image/png" }), basename(filePath));
    const answer = await fetched(url, { method: "POST", header, body: form, timeout });
    return { statusCode: answer.status, data: answer.body.toString() };
  }

  async function downloadFile({ url, header = {}, timeout }) {
    const answer = await fetched(url, { method: "GET", header, timeout });
    const tempFilePath = join(folder, randomUUID());
    writeFileSync(tempFilePath, answer.body);
    return { statusCode: answer.status, tempFilePath };
  }

  function connectSocket({ url, protocols, success, complete }) {
    const socket = new WebSocket(placeOf(url, "ws"), protocols);
    socket.on("error", () => {}); // told by onError
    const task = {
      onOpen: (run) => socket.on("open", () => run({})),
      onMessage: (run) => socket.on("message", (data, isBinary) => run({ data: isBinary ? new Uint8Array(data).buffer : String(data) })),
      onError: (run) => socket.on("error", (error) => run({ errMsg: String(error) })),
      onClose: (run) => socket.on("close", (code, reason) => run({ code, reason: String(reason) })),
      send: ({ data }) => socket.send(data),
      close: ({ code = 1000, reason = "" } = {}) => socket.close(code, reason),
    };
    success?.({});
    complete?.({});
    return task;
  }

  const answers = {
    request, uploadFile, downloadFile,
    getStorage: ({ key }) => ({ data: stored.get(key) ?? "" }),
    setStorage: ({ key, data }) => void stored.set(key, data),
    login: () => {
      if (!person.login.length) throw new Error("nobody is here");
      return { code: person.login.shift() };
    },
    chooseImage: () => ({ tempFilePaths: [person.picture], tempFiles: [{ path: person.picture, size: 1 }] }),
    saveFile: ({ tempFilePath }) => ({ savedFilePath: tempFilePath }),
    requestSubscribeMessage: ({ tmplIds }) => {
      person.granted.push(...tmplIds);
      return Object.fromEntries(tmplIds.map((id) => [id, "accept"]));
    },
    getNetworkType: () => ({ networkType: "wifi" }),
  };
  const silent = [
    "showToast", "hideToast", "showLoading", "hideLoading", "hideTabBar", "stopPullDownRefresh", "pageScrollTo", "vibrateLong",
    "previewImage", "setClipboardData", "makePhoneCall", "removeSavedFile", "preloadAssets", "setNavigationBarTitle",
  ];
  const box = { top: 51, bottom: 83, left: 296, right: 383, width: 87, height: 32 };
  const query = { select: () => query, in: () => query, boundingClientRect: (run) => ((query.run = run), query), exec: () => query.run?.({ ...box, top: 0 }) };
  const wx = {
    ...Object.fromEntries(silent.map((name) => [name, asked(() => ({}))])),
    ...Object.fromEntries(Object.entries(answers).map(([name, work]) => [name, asked(work)])),
    connectSocket,
    getStorageSync: (key) => stored.get(key) ?? "",
    setStorageSync: (key, data) => void stored.set(key, data),
    removeStorageSync: (key) => void stored.delete(key),
    getSystemInfoSync: () => ({ ...PHONE, ...DEVICE, ...BASE }),
    getWindowInfo: () => PHONE,
    getDeviceInfo: () => DEVICE,
    getAppBaseInfo: () => BASE,
    getAccountInfoSync: () => ({ miniProgram: { appId: "touristappid", envVersion: "release" } }),
    getMenuButtonBoundingClientRect: () => box,
    getLaunchOptionsSync: () => ({ path: "pages/start/index", query: {}, scene: 1001 }),
    getFileSystemManager: () => ({ readFile: asked(({ filePath }) => ({ data: new Uint8Array(readFileSync(filePath)).buffer })) }),
    createSelectorQuery: () => query,
    canIUse: () => true,
    onAppShow() {}, onAppHide() {}, onError() {}, onNetworkStatusChange() {}, offNetworkStatusChange() {}, onKeyboardHeightChange() {},
  };
  return { wx, waiting: () => underWay };
}
