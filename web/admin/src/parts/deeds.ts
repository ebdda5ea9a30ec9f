// Deeds that need a reason: asked for in a box, done once, told about.
import { ElMessage, ElMessageBox } from "element-plus";

import { problemOf } from "../api/problem";

const REASON_AT_MOST = 2_000;

export interface Question {
  title: string;
  /** What it leads to, before it is done. */
  warning: string;
  button: string;
  placeholder?: string;
  suggestion?: string;
}

/** The reason, or null when they thought better of it. */
export async function askReason(question: Question): Promise<string | null> {
  try {
    const { value } = (await ElMessageBox.prompt(question.warning, question.title, {
      confirmButtonText: question.button,
      cancelButtonText: "再想想",
      inputType: "textarea",
      inputPlaceholder: question.placeholder ?? "请填写原因，会记入审计",
      inputValue: question.suggestion ?? "",
      inputValidator: (text) => {
        const length = (text ?? "").trim().length;
        if (!length) return "请填写原因";
        return length <= REASON_AT_MOST || `最多 ${REASON_AT_MOST} 字`;
      },
      closeOnClickModal: false,
      roundButton: true,
    })) as { value: string };
    return value.trim();
  } catch {
    return null;
  }
}

/** Do it and say so, or say why not. True: it is done. */
export async function done(what: string, deed: () => Promise<unknown>): Promise<boolean> {
  try {
    await deed();
    ElMessage.success(`${what}已完成`);
    return true;
  } catch (thrown) {
    ElMessage.error({ message: `${what}未完成：${problemOf(thrown).sentence}`, duration: 6_000, showClose: true });
    return false;
  }
}
