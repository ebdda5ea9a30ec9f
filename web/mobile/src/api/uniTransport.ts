// The transport of uni-app: XMLHttpRequest on H5, wx.request in WeChat.
import { newId } from "./intentions";
import { multipart } from "./multipart";
import { offline, timedOut } from "./problem";
import type { ManyAsk, Reply, Transport } from "./transport";

function failure(reason: { errMsg?: string }): Error {
  return (reason.errMsg ?? "").includes("timeout") ? timedOut() : offline();
}

function parsed(data: unknown): unknown {
  if (typeof data !== "string") return data;
  try {
    return JSON.parse(data);
  } catch {
    return data;
  }
}

/** H5 sends a form of several files; WeChat's uploadFile takes one, so the body is written by hand there. */
function sendMany(ask: ManyAsk): Promise<Reply> {
  // #ifdef MP-WEIXIN
  return sendBody(ask);
  // #endif
  return sendForm(ask);
}

function sendForm(ask: ManyAsk): Promise<Reply> {
  return new Promise((resolve, reject) => {
    uni.uploadFile({
      url: ask.url,
      header: ask.headers,
      files: ask.files.map(({ name, filePath }) => ({ name, uri: filePath })),
      formData: ask.fields,
      timeout: ask.timeoutMs,
      success: (answer) => resolve({ status: answer.statusCode, headers: {}, body: parsed(answer.data) }),
      fail: (reason) => reject(failure(reason)),
    });
  });
}

async function sendBody(ask: ManyAsk): Promise<Reply> {
  const files = await Promise.all(
    ask.files.map(async ({ name, filePath }) => ({ name, fileName: `${name}.jpg`, type: "image/jpeg", content: await contentOf(filePath) })),
  );
  const boundary = `peihu${newId()}`;
  return new Promise((resolve, reject) => {
    uni.request({
      url: ask.url,
      method: "POST",
      header: { ...ask.headers, "Content-Type": `multipart/form-data; boundary=${boundary}` },
      data: multipart(ask.fields, files, boundary),
      timeout: ask.timeoutMs,
      success: (answer) => resolve({ status: answer.statusCode, headers: {}, body: answer.data }),
      fail: (reason) => reject(failure(reason)),
    });
  });
}

function contentOf(filePath: string): Promise<ArrayBuffer> {
  return new Promise((resolve, reject) => {
    uni.getFileSystemManager().readFile({ filePath, success: ({ data }) => resolve(data as ArrayBuffer), fail: () => reject(offline()) });
  });
}

export const uniTransport: Transport = {
  request: (ask) =>
    new Promise((resolve, reject) => {
      uni.request({
        url: ask.url,
        method: ask.method,
        header: ask.headers,
        data: ask.body,
        dataType: "text",
        timeout: ask.timeoutMs,
        success: (answer) =>
          resolve({ status: answer.statusCode, headers: answer.header as Record<string, string>, body: parsed(answer.data) }),
        fail: (reason) => reject(failure(reason)),
      });
    }),
  upload: (ask) =>
    new Promise((resolve, reject) => {
      uni.uploadFile({
        url: ask.url,
        header: ask.headers,
        filePath: ask.filePath,
        name: ask.name,
        formData: ask.fields,
        timeout: ask.timeoutMs,
        success: (answer) => resolve({ status: answer.statusCode, headers: {}, body: parsed(answer.data) }),
        fail: (reason) => reject(failure(reason)),
      });
    }),
  uploadMany: sendMany,
  download: (ask) =>
    new Promise((resolve, reject) => {
      uni.downloadFile({
        url: ask.url,
        header: ask.headers,
        timeout: ask.timeoutMs,
        success: (answer) => resolve({ status: answer.statusCode, path: answer.tempFilePath }),
        fail: (reason) => reject(failure(reason)),
      });
    }),
};
