import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: ["dist/", "build/", "node_modules/", ".venv/", ".cache/"] },
  js.configs.recommended,
  {
    languageOptions: {
      ecmaVersion: 2025,
      sourceType: "module",
      globals: { ...globals.browser, ...globals.node, chrome: "readonly" },
    },
    rules: {
      "no-unused-vars": ["error", { args: "none", caughtErrors: "none" }],
      "prefer-const": "error",
      eqeqeq: ["error", "smart"],
      "no-eval": "error",
      "no-implied-eval": "error",
      "max-len": [
        "error",
        { code: 120, ignoreStrings: true, ignoreTemplateLiterals: true, ignoreRegExpLiterals: true, ignoreUrls: true },
      ],
    },
  },
  {
    files: ["**/content/*.js", "tests/**/*.js", "station/**/*.js", "benchmarks/**/*.js"],
    languageOptions: { sourceType: "script" },
  },
  {
    files: ["station/static/**/*.js", "tests/unit/**/*.js", "tests/**/*.test.js"],
    languageOptions: { sourceType: "module" },
  },
];
