// Checks before a form is sent; the server has the last word.

export function isPhone(phone: string): boolean {
  return /^1[3-9]\d{9}$/.test(phone);
}

/** What is wrong with a new password, or "". */
export function passwordProblem(password: string): string {
  if (password.length < 8) return "密码至少 8 位";
  return password.length > 128 ? "密码最长 128 位" : "";
}
