// One call and its envelope: the data of a success, or a Problem.
import { SENTENCES } from "./generated/sentences";
import { Problem, type FieldError } from "./problem";
import type { Reply } from "./transport";

interface Envelope {
  code: string;
  message: string;
  data: unknown;
  errors?: FieldError[];
}

function isEnvelope(body: unknown): body is Envelope {
  return typeof body === "object" && body !== null && typeof (body as Envelope).code === "string";
}

function headerOf(reply: Reply, name: string): string {
  const found = Object.keys(reply.headers ?? {}).find((key) => key.toLowerCase() === name);
  return found ? String(reply.headers[found]) : "";
}

export function opened(reply: Reply): unknown {
  const { status, body } = reply;
  if (!isEnvelope(body)) {
    // A proxy answered in place of the server.
    throw new Problem({ code: "unavailable", status: status || 502, sentence: "服务器没有正常回答，请稍后再试" });
  }
  if (body.code === "ok") return body.data;
  throw new Problem({
    code: body.code,
    status,
    sentence: body.message || sentenceOf(body.code),
    data: body.data,
    errors: body.errors,
    retryAfterS: Number.parseInt(headerOf(reply, "retry-after"), 10) || 0,
  });
}

/** The Chinese sentence of a stable code, for refusals that come without one (rpc). */
export function sentenceOf(code: string): string {
  return SENTENCES[code] ?? "操作没有成功，请稍后再试";
}
