import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [vue()],
  build: {
    target: "es2022",
    // The content security policy allows no data: scripts, and small files cost nothing on a desk's network.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: {
      output: {
        manualChunks: { echarts: ["echarts/core", "echarts/charts", "echarts/components", "echarts/renderers"] },
      },
    },
    chunkSizeWarningLimit: 600,
  },
  // `npm run dev` against a running instance.
  server: { proxy: { "/api": process.env.WANGLOU_URL ?? "http://127.0.0.1:8080" } },
  test: { include: ["src/**/*.test.ts"] },
});
