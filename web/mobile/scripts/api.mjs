// Writes src/api/generated/ from the OpenAPI document of the server: `npm run api`.
//
// Kept are the operations of families and caregivers, and of them what a request may say. Answers are one
// envelope in the document; their shapes are in src/api/answers.ts. The first line carries the hash of what was
// read, so that tests/web can say without Node that the server has moved on.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import openapiTS from "openapi-typescript";

const HERE = join(dirname(fileURLToPath(import.meta.url)), "..");
const ROOT = join(HERE, "..", "..");
const OUR_ROLES = ["patient", "caregiver", "guest"];

function readDocument() {
  const python = process.env.PYTHON || [join(ROOT, ".venv/bin/python"), "python3"].find((one) => one === "python3" || existsSync(one));
  const printed = execFileSync(python, ["run.py", "openapi"], { cwd: ROOT, encoding: "utf-8", maxBuffer: 64 << 20 });
  return JSON.parse(printed);
}

// The same in Python: tests/web/test_generated_api.py.
function requestsOf(document) {
  const paths = {};
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const roles = operation["x-roles"];
      if (roles.length && !roles.some((role) => OUR_ROLES.includes(role))) continue;
      const { operationId, parameters, requestBody } = operation;
      paths[path] = { ...paths[path], [method]: { operationId, parameters, ...(requestBody ? { requestBody } : {}) } };
    }
  }
  return { paths, schemas: reached(paths, document.components.schemas), sentences: sentencesOf(document) };
}

/** The schemas that the paths name, and those that these name. */
function reached(paths, schemas) {
  const found = {};
  const waiting = [paths];
  while (waiting.length) {
    for (const [, name] of JSON.stringify(waiting.pop()).matchAll(/#\/components\/schemas\/(\w+)/g)) {
      if (name in found) continue;
      found[name] = schemas[name];
      waiting.push(schemas[name]);
    }
  }
  return found;
}

function sentencesOf(document) {
  const found = {};
  for (const methods of Object.values(document.paths)) {
    for (const operation of Object.values(methods)) {
      for (const [status, answer] of Object.entries(operation.responses)) {
        if (status < 400) continue;
        for (const part of answer.description.split("；")) {
          const [code, sentence] = part.split("：");
          found[code] = sentence;
        }
      }
    }
  }
  return found;
}

function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])]));
}

const document = readDocument();
const requests = requestsOf(document);
const hash = createHash("sha256").update(JSON.stringify(sorted(requests))).digest("hex");
const head = `// Made by \`npm run api\` from the server's OpenAPI document; requests sha256 ${hash}\n`;
const withAnswers = structuredClone(requests.paths);
for (const methods of Object.values(withAnswers)) {
  for (const operation of Object.values(methods)) operation.responses = { 200: { description: "the envelope" } };
}
const schema = await openapiTS({ openapi: "3.1.0", info: document.info, paths: withAnswers, components: { schemas: requests.schemas } });
const sentences = JSON.stringify(sorted(requests.sentences), null, 2);

const folder = join(HERE, "src/api/generated");
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, "schema.ts"), `${head}${schema}`);
writeFileSync(join(folder, "sentences.ts"), `${head}\nexport const SENTENCES: Record<string, string> = ${sentences};\n`);
console.log(`${Object.keys(requests.paths).length} paths, ${hash.slice(0, 12)}`);
