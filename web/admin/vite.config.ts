import vue from "@vitejs/plugin-vue";
import { ElementPlusResolver } from "unplugin-vue-components/resolvers";
import Components from "unplugin-vue-components/vite";
import { defineConfig } from "vite";

const SERVER = "http://127.0.0.1:8000";

export default defineConfig({
  base: "./",
  plugins: [vue(), Components({ dts: false, dirs: [], resolvers: [ElementPlusResolver()] })],
  build: { outDir: "../dist/admin", emptyOutDir: true, target: "es2020", chunkSizeWarningLimit: 1200 },
  server: { proxy: { "/api": SERVER, "/sandbox": SERVER, "/connection": { target: SERVER.replace("http", "ws"), ws: true } } },
});
