/**
 * Chromium's service worker.
 */

import "./main.js";
