export { digest } from './digest.js';
export { KeyDirectoryUnusable, KeyFileUnusable, KeyStateUnusable, THERE_AND_NOT } from './key-faults.js';
export { keyInFile } from './key-file.js';
export { SecretCipher } from './secret-box.js';
export { codeOf, SharedDirectory } from './shared-directory.js';
