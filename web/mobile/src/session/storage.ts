// Where the app keeps things over its end: the device, or only this browser tab.

export interface KeyValue {
  read<T>(key: string): T | null;
  write(key: string, value: unknown): void;
  remove(key: string): void;
}

/** uni's storage: localStorage on H5, the mini program's own in WeChat. */
export const deviceStorage: KeyValue = {
  read: (key) => parsed(uni.getStorageSync(key)),
  write: (key, value) => uni.setStorageSync(key, JSON.stringify(value)),
  remove: (key) => uni.removeStorageSync(key),
};

/** Ends with the tab, so that two windows side by side can be two people; in WeChat there is one window. */
export function tabStorage(): KeyValue {
  // #ifdef H5
  return {
    read: (key) => parsed(sessionStorage.getItem(key)),
    write: (key, value) => sessionStorage.setItem(key, JSON.stringify(value)),
    remove: (key) => sessionStorage.removeItem(key),
  };
  // #endif
  // #ifndef H5
  return deviceStorage;
  // #endif
}

/** A damaged value counts as none: the person logs in again. */
function parsed<T>(text: unknown): T | null {
  if (typeof text !== "string" || text === "") return null;
  try {
    return JSON.parse(text) as T;
  } catch {
    return null;
  }
}
