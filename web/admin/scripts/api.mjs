// Writes src/api/generated/bounds.json from the OpenAPI document of the server: `npm run api`.
//
// Kept is how small and how large each setting may be, by its place. tests/web compares it with the API, without Node.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = join(dirname(fileURLToPath(import.meta.url)), "..");
const ROOT = join(HERE, "..", "..");
const LIMITS = ["minimum", "maximum", "exclusiveMaximum", "multipleOf", "minItems", "maxItems", "minLength", "maxLength"];

const python = process.env.PYTHON || [join(ROOT, ".venv/bin/python"), "python3"].find((one) => one === "python3" || existsSync(one));
const printed = execFileSync(python, ["run.py", "openapi"], { cwd: ROOT, encoding: "utf-8", maxBuffer: 64 << 20 });
const { schemas } = JSON.parse(printed).components;

// The same in Python: tests/web/test_generated_api.py.
function bounds(schema, place, found) {
  const named = schema.$ref ? schemas[schema.$ref.split("/").at(-1)] : schema;
  for (const one of named.anyOf ?? []) bounds(one, place, found);
  const limits = Object.fromEntries(LIMITS.filter((name) => name in named).map((name) => [name, named[name]]));
  if (Object.keys(limits).length) found[place] = { ...found[place], ...limits };
  if (named.items) bounds(named.items, `${place}[]`, found);
  for (const [name, part] of Object.entries(named.properties ?? {})) bounds(part, place ? `${place}.${name}` : name, found);
  return found;
}

const found = bounds(schemas.ChangeSettings, "", {});
const sorted = Object.fromEntries(Object.keys(found).sort().map((place) => [place, found[place]]));
mkdirSync(join(HERE, "src/api/generated"), { recursive: true });
writeFileSync(join(HERE, "src/api/generated/bounds.json"), `${JSON.stringify(sorted, null, 1)}\n`);
console.log(`${Object.keys(sorted).length} bounds`);
