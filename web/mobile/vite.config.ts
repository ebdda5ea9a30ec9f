import { readFileSync } from "node:fs";

import uniPlugin from "@dcloudio/vite-plugin-uni";
import type { Plugin } from "vite";
import { defineConfig } from "vite";

const SERVER = process.env.PEIHU_SERVER ?? "http://127.0.0.1:8000"; // of `npm run dev`

// The plugin is CommonJS: inside a module its function is one level down.
const uni = ((uniPlugin as unknown as { default?: typeof uniPlugin }).default ?? uniPlugin) as typeof uniPlugin;

/**
 * Nothing is fetched from another host: parts of uni-app and wot-design-uni name pictures and fonts of theirs. Their
 * icon font comes along (H5 bundles it, WeChat gets it inside the style sheet), everything else is cut out.
 */
function ownHostOnly(): Plugin {
  const font = "node_modules/wot-design-uni/components/wd-icon/wd-icons.ttf";
  const iconFont = /https:\/\/at\.alicdn\.com[^"')\s]*woff2[^"')\s]*("?\)) ?format\(["']woff2["']\)/g;
  const foreign = /(?:https?:)?\/\/(?:[\w.-]*dcloud\.net\.cn|at\.alicdn\.com)[^"')\s]*/g;
  const isWeChat = process.env.UNI_PLATFORM === "mp-weixin";
  const embedded = (): string => `data:font/ttf;base64,${readFileSync(font).toString("base64")}`;
  const owned = (text: string): string =>
    (isWeChat ? text.replace(iconFont, (_, end: string) => `${embedded()}${end}format("truetype")`) : text).replace(foreign, "data:,");
  return {
    name: "own-host-only",
    enforce: "post",
    generateBundle(_options, bundle) {
      for (const file of Object.values(bundle)) {
        if (file.type === "chunk") file.code = owned(file.code);
        else if (typeof file.source === "string") file.source = owned(file.source);
      }
    },
  };
}

// Of H5: what every page stands on, in one file, and what the first page needs besides, in another. Left alone they would be
// some thirty small files, asked for one after the other before anybody sees anything.
const FOUNDATION = /node_modules\/(@dcloudio|@vue|vue|vue-router|pinia|centrifuge|events)\//;
const FIRST_PAGE = /\/src\/(kit|shell|time|pages\/start)\/|\/src\/(family\/HomeTab|family\/ServiceGrid|family\/CaregiverCard|caregiver\/HallTab|caregiver\/Offer)/;

function chunkOf(id: string): string | undefined {
  if (FOUNDATION.test(id)) return "base";
  return FIRST_PAGE.test(id) ? "first" : undefined;
}

const isH5 = process.env.UNI_PLATFORM !== "mp-weixin";
// The oldest browsers that docs/compatibility.md promises: what the language has had since, and how styles are written for them.
const LANGUAGE = "es2018";
const OLDEST_BROWSERS = ["chrome84", "safari14.1"];

export default defineConfig({
  base: "./",
  plugins: [uni(), ownHostOnly()],
  css: { preprocessorOptions: { scss: { silenceDeprecations: ["legacy-js-api"] } } },
  build: { target: LANGUAGE, ...(isH5 ? { cssTarget: OLDEST_BROWSERS, rollupOptions: { output: { manualChunks: chunkOf } } } : {}) },
  server: { host: "127.0.0.1", proxy: { "/api": SERVER, "/sandbox": SERVER, "/connection": { target: SERVER.replace("http", "ws"), ws: true } } },
});
