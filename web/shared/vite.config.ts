import { defineConfig } from "vite";

// The reducer as one file that Node runs by itself: see the head of src/apply.ts.
export default defineConfig({
  build: {
    outDir: "dist",
    target: "node20",
    minify: false,
    lib: { entry: "src/apply.ts", formats: ["es"], fileName: () => "apply.js" },
  },
});
