// The compiled scripts, run as WeChat runs them: with its names, and without those of a browser or of Node.
//
// WeChat hides what its own engine has by parameters of each script's function; so does this.
import { readFileSync } from "node:fs";
import Module from "node:module";
import { sep } from "node:path";
import vm from "node:vm";

// What a page of a browser or a program of Node finds and a mini program does not. Intl is missing on old phones.
const HIDDEN = [
  "window", "document", "self", "parent", "top", "frames", "navigator", "location", "history", "screen", "localStorage",
  "sessionStorage", "indexedDB", "XMLHttpRequest", "fetch", "Headers", "Request", "Response", "FormData", "Blob", "File",
  "WebSocket", "EventSource", "Event", "EventTarget", "CustomEvent", "MessageChannel", "BroadcastChannel", "AbortController",
  "AbortSignal", "URL", "URLSearchParams", "TextEncoder", "TextDecoder", "crypto", "performance", "structuredClone",
  "queueMicrotask", "setImmediate", "clearImmediate", "process", "Buffer", "Intl", "Image", "Audio", "HTMLElement", "Element",
  "Node", "getComputedStyle", "requestAnimationFrame", "cancelAnimationFrame", "alert", "btoa", "atob", "ReadableStream",
];
const GIVEN = ["exports", "require", "module"];

/** From now on every script below `root` is run so; `names` are WeChat's own (`wx`, `App`, `Component`, …). */
export function runAsWeChat(root, names) {
  const plain = Module._extensions[".js"];
  const known = [...Object.keys(names), "global", "globalThis"];
  const bare = { ...language(), ...names };
  bare.global = bare.globalThis = bare;
  const values = known.map((name) => bare[name]);
  Module._extensions[".js"] = (module, path) => {
    if (!path.startsWith(root + sep)) return plain(module, path);
    const run = vm.compileFunction(readFileSync(path, "utf8"), [...GIVEN, ...known, ...HIDDEN], { filename: path });
    run.call(undefined, module.exports, (name) => module.require(name), module, ...values);
  };
}

/** What the language itself has, as properties of `globalThis`. */
function language() {
  const everywhere = vm.runInNewContext("Object.getOwnPropertyNames(globalThis)").filter((name) => !HIDDEN.includes(name));
  return Object.fromEntries([...everywhere, "setTimeout", "clearTimeout", "setInterval", "clearInterval", "console"].map((name) => [name, globalThis[name]]));
}
