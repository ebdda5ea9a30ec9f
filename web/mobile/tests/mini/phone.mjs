// A phone with the compiled mini program, led by commands: one JSON object a line in, one a line out.
//
// node phone.mjs '{"root", "domain", "server", "folder"}' (tests/mini/phone.py leads it and judges). Commands: {"do": "launch"},
// {"do": "open", "url"}, {"do": "tap", "name"}, {"do": "tell", "name", "kind", "detail"}, {"do": "person", "login"?,
// "picture"?}, {"do": "screen"}. Each is answered by {"route", "query", "text", "waiting", "granted",
// "faults"}, or {"error"}.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

import { JSDOM } from "jsdom";

import { runAsWeChat } from "./loader.mjs";
import { Pages } from "./pages.mjs";
import { Screen } from "./screen.mjs";
import { wechat } from "./wechat.mjs";

const asked = JSON.parse(process.argv[2]);
const faults = [];
const fault = (text) => faults.push(String(text));
const person = { login: [], picture: "", granted: [] };

process.on("uncaughtException", (error) => fault(error.stack));
process.on("unhandledRejection", (error) => fault(error?.stack ?? error));
for (const level of ["error", "warn"]) console[level] = (...words) => fault(words.map((one) => one?.stack ?? one).join(" "));

// miniprogram-simulate draws into a document and finds it among Node's globals.
const { window } = new JSDOM("<!doctype html><body></body>", { pretendToBeVisual: true });
for (const name of ["window", "document", "Event", "CustomEvent", "TouchEvent", "Element", "HTMLElement", "Node", "MutationObserver"]) {
  globalThis[name] = name === "window" ? window : window[name];
}
const require = createRequire(import.meta.url);
const simulate = require("miniprogram-simulate");
require("miniprogram-simulate/src/wxss").compile = () => ""; // nobody looks at styles here, and they are most of the work

const pages = new Pages({ root: asked.root, simulate, document: window.document, fault });
const screen = new Screen(pages, window);
let app = null;
const { wx, waiting } = wechat({ ...asked, person, fault });
runAsWeChat(asked.root, {
  wx: { ...wx, ...pages.ways },
  App: (options) => (app = options),
  getApp: () => app,
  getCurrentPages: () => pages.instances,
  Page: (options) => globalThis.Component({ methods: options }),
  Component: (options) => globalThis.Component(options),
  Behavior: (options) => globalThis.Behavior(options),
});

const DEEDS = {
  launch() {
    require(`${asked.root}/app.js`);
    app.onLaunch?.({ path: "", query: {}, scene: 1001 });
    app.onShow?.({});
  },
  open: ({ url }) => pages.ways.reLaunch({ url }),
  tap: ({ name }) => screen.tap(name),
  tell: ({ name, kind, detail }) => screen.tell(name, kind, detail),
  person: ({ login, picture }) => {
    if (login) person.login.push(login);
    if (picture) person.picture = picture;
  },
  screen: () => {},
};

async function answered(line) {
  try {
    const command = JSON.parse(line);
    await DEEDS[command.do](command);
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setTimeout(resolve)); // what follows at once has followed
    const { path = "", query = {} } = pages.top ?? {};
    return { route: path, query, text: path ? screen.text : [], waiting: waiting(), granted: person.granted, faults };
  } catch (error) {
    return { error: error.stack };
  }
}

createInterface({ input: process.stdin }).on("line", async (line) => process.stdout.write(`${JSON.stringify(await answered(line))}\n`));
process.stdin.on("end", () => process.exit(0));
