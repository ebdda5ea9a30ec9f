/// <reference types="vite/client" />

interface ImportMetaEnv {
  /** The server of the mini program, `https://…`; H5 uses its own origin. */
  readonly VITE_PEIHU_SERVER?: string;
  /** Ids of WeChat's subscribe messages, with commas between. */
  readonly VITE_PEIHU_TEMPLATES?: string;
}
