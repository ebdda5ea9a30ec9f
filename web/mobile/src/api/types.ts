// From the generated document: which paths there are, and what each may be asked.
import type { paths } from "./generated/schema";
import type { Answers } from "./replies";

type PathsOf<M extends string> = { [P in keyof paths]: paths[P] extends Record<M, unknown> ? P : never }[keyof paths];

export type GetPath = PathsOf<"get">;
export type PostPath = PathsOf<"post">;

type Operation<P extends keyof paths, M extends string> = paths[P] extends Record<M, infer O> ? O : never;

export type QueryOf<P extends GetPath> =
  Operation<P, "get"> extends { parameters: { query: infer Q } } ? Q
  : Operation<P, "get"> extends { parameters: { query?: infer Q } } ? Q | undefined
  : undefined;

export type BodyOf<P extends PostPath> =
  Operation<P, "post"> extends { requestBody: { content: { "application/json": infer B } } } ? B : never;

/** The `data` of an answer; a path that replies.ts does not name yet answers `unknown`. */
export type AnswerOf<M extends "GET" | "POST", P extends string> = `${M} ${P}` extends keyof Answers ? Answers[`${M} ${P}`] : unknown;
