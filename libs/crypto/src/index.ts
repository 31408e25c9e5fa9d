export { digest } from './digest.js';
export {
  KeyDirectoryUnusable,
  KeyFileUnusable,
  keyInFile,
  KeyStateUnusable,
  NEITHER_READABLE_NOR_CREATABLE,
} from './key-file.js';
export { SecretCipher } from './secret-cipher.js';
export { codeOf, SharedDirectory } from './shared-directory.js';
export { fromBase64url, TokenText, uuidBytes, uuidOf } from './token-text.js';
