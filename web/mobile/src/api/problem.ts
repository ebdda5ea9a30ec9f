// What went wrong with a call, in words for people and a code for the program.

export interface FieldError {
  field: string;
  code: string;
  message: string;
}

interface ProblemParts {
  code: string;
  sentence: string;
  status?: number;
  data?: unknown;
  errors?: FieldError[];
  retryAfterS?: number;
}

export class Problem extends Error {
  readonly code: string;
  readonly status: number;
  readonly data: unknown;
  readonly errors: FieldError[];
  readonly retryAfterS: number;

  constructor(parts: ProblemParts) {
    super(parts.sentence);
    this.name = "Problem";
    this.code = parts.code;
    this.status = parts.status ?? 0;
    this.data = parts.data ?? null;
    this.errors = parts.errors ?? [];
    this.retryAfterS = parts.retryAfterS ?? 0;
  }

  get sentence(): string {
    return this.errors.length ? this.errors.map((error) => error.message).join("；") : this.message;
  }

  get isOffline(): boolean {
    return this.code === "offline" || this.code === "timeout";
  }

  /** Nobody knows whether it happened: the same intention may only be repeated under the same key. */
  get isUnsettled(): boolean {
    return this.isOffline || this.status >= 500 || this.code === "idempotency_in_progress";
  }

  /** The sentence about one field of a form, or "". */
  about(field: string): string {
    return this.errors.find((error) => error.field === field)?.message ?? "";
  }
}

export function offline(): Problem {
  return new Problem({ code: "offline", sentence: "没有连上网络，请检查网络后重试" });
}

export function timedOut(): Problem {
  return new Problem({ code: "timeout", sentence: "网络较慢，还没有收到回复，请稍后重试" });
}

/** Any thrown thing as a Problem; what is none of ours becomes `internal`. */
export function problemOf(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown;
  console.error(thrown);
  return new Problem({ code: "internal", sentence: "页面出了点问题，请返回后重试" });
}

/** What a person can do about it, beside the sentence that says what happened. */
export function adviceFor(problem: Problem): string {
  if (problem.code === "offline") return "网络恢复后点“重试”，已填写的内容不会丢失";
  if (problem.code === "timeout") return "如果一直这样，请换个信号好的地方再试";
  if (problem.code === "too_many_requests" || problem.code === "too_many_attempts") {
    return problem.retryAfterS ? `请 ${problem.retryAfterS} 秒后再试` : "请过一会儿再试";
  }
  if (problem.status >= 500) return "我们正在处理，请过一会儿再试";
  if (problem.code === "not_found") return "它可能已被删除，或您没有查看的权限";
  if (problem.code === "forbidden") return "请换用有权限的账号";
  return "请检查后重试";
}
