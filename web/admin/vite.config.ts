import vue from "@vitejs/plugin-vue";
import { ElementPlusResolver } from "unplugin-vue-components/resolvers";
import Components from "unplugin-vue-components/vite";
import { defineConfig } from "vite";

const SERVER = "http://127.0.0.1:8000";

export default defineConfig({
  base: "./",
  plugins: [vue(), Components({ dts: false, dirs: [], resolvers: [ElementPlusResolver()] })],
  build: {
    outDir: "../dist/admin",
    emptyOutDir: true,
    target: "es2020",
    chunkSizeWarningLimit: 1200,
    // vue-router's package keeps half of itself in a file named devtools, with nothing of them left in it once built. In one
    // file with vue it is no request of its own, and what a release of ours does not change stays in the browser's cache.
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: "vue", test: /node_modules[\\/](@vue|vue|vue-router)[\\/]/ }] } } },
  },
  server: { proxy: { "/api": SERVER, "/sandbox": SERVER, "/connection": { target: SERVER.replace("http", "ws"), ws: true } } },
});
