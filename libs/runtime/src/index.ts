export { isJsonObject, type JsonObject, parseJsonObject } from './json-object.js';
export { errorLine, escapeControls, isError, loggedError, printedError } from './logged-error.js';
export { packageVersion } from './package-version.js';
