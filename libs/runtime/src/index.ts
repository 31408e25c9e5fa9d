export { isJsonObject, type JsonObject, parseJsonObject } from './json-object.js';
export { errorLine, escapeControls, isError, loggedError, printedError, reasonOf } from './logged-error.js';
export { packageVersion } from './package-version.js';
export { waitAtMost } from './timeout.js';
