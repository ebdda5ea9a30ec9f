// No link leads nowhere, and no page stands unlinked from the list.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { expect, it } from "vitest";

import pages from "@/pages.json";
import { ORDER_ROUTE, ROUTES, TAB_ROUTES } from "@/shell/routes";

const declared = [
  ...pages.pages.map((page) => `/${page.path}`),
  ...pages.subPackages.flatMap((part) => part.pages.map((page) => `/${part.root}/${page.path}`)),
];
const SOURCES = fileURLToPath(new URL("../src", import.meta.url));

function vueFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? vueFiles(join(folder, entry.name)) : entry.name.endsWith(".vue") ? [join(folder, entry.name)] : [],
  );
}

it("names exactly the pages that there are", () => {
  expect(Object.values(ROUTES).sort()).toEqual([...declared].sort());
  for (const route of Object.values(ORDER_ROUTE)) if (route !== null) expect(declared).toContain(route);
});

it("has a file for each page", () => {
  const files = vueFiles(SOURCES).map((file) => file.slice(SOURCES.length, -".vue".length));
  expect(declared.filter((page) => !files.includes(page))).toEqual([]);
});

it("has the tabs that pages.json names", () => {
  expect(pages.tabBar.list.map((tab) => `/${tab.pagePath}`)).toEqual([...TAB_ROUTES]);
});

it("writes addresses of pages nowhere else", () => {
  const strays = vueFiles(SOURCES).filter((file) => /["'`]\/pages(-\w+)?\//.test(readFileSync(file, "utf-8")));
  expect(strays).toEqual([]);
});
