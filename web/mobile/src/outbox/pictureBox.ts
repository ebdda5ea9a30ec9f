// Pictures that wait for a network, kept so that they outlive the app.
//
// WeChat keeps files of its own; a browser keeps blobs in IndexedDB, because the address of a blob dies with its page.

export interface PictureBox {
  /** Keep the picture at `path`; its name in the box. */
  keep(path: string): Promise<string>;
  /** A path that can be shown and uploaded. Rejects when it is gone. */
  open(name: string): Promise<string>;
  drop(name: string): void;
}

const STORE = "pictures";

export const browserPictures: PictureBox = {
  async keep(path) {
    const blob = await (await fetch(path)).blob();
    const name = `${Date.now()}-${Math.random().toString(36).slice(2)}`;
    await transaction("readwrite", (store) => store.put(blob, name));
    return name;
  },
  async open(name) {
    const blob = await transaction<Blob | undefined>("readonly", (store) => store.get(name));
    if (!blob) throw new Error(`the picture ${name} is gone`);
    return URL.createObjectURL(blob);
  },
  drop(name) {
    transaction("readwrite", (store) => store.delete(name)).catch(() => {}); // a left-over costs room, nothing else
  },
};

async function transaction<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest): Promise<T> {
  const database = await opened();
  try {
    return await finished<T>(work(database.transaction(STORE, mode).objectStore(STORE)));
  } finally {
    database.close();
  }
}

function opened(): Promise<IDBDatabase> {
  const request = indexedDB.open("peihu.pictures", 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE);
  return finished(request);
}

function finished<T>(request: IDBRequest): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result as T);
    request.onerror = () => reject(request.error);
  });
}

export const wechatPictures: PictureBox = {
  keep: (path) =>
    new Promise((resolve, reject) => {
      uni.saveFile({ tempFilePath: path, success: ({ savedFilePath }) => resolve(savedFilePath), fail: reject });
    }),
  open: async (name) => name,
  drop: (name) => {
    uni.removeSavedFile({ filePath: name });
  },
};
