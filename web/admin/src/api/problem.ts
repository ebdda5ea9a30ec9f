// What went wrong with a call: a code for the program, a sentence for people.

export interface FieldError {
  field: string;
  code: string;
  message: string;
}

export class Problem extends Error {
  constructor(
    readonly code: string,
    sentence: string,
    readonly status = 0,
    readonly data: unknown = null,
    readonly errors: FieldError[] = [],
  ) {
    super(sentence);
    this.name = "Problem";
  }

  get sentence(): string {
    return this.errors.length ? this.errors.map((error) => error.message).join("；") : this.message;
  }

  /** Nobody knows whether it happened: only the same key may be sent again. */
  get isUnsettled(): boolean {
    return this.status === 0 || this.status >= 500 || this.code === "idempotency_in_progress";
  }
}

/** Any thrown thing as a Problem; what is none of ours is a bug, and said as one. */
export function problemOf(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown;
  console.error(thrown);
  return new Problem("internal", "页面出了点问题，请刷新后重试");
}
