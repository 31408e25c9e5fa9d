import { directory } from './directory.js';
import { type Format } from './format.js';

// A bucket's name as S3 allows it, and folders that need no encoding and are none of . and ..
const S3 = /^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._-]+)*\/?$/;

/** A directory, or a bucket and where in it. No other URL: somebody who writes one means a kind of store that there is not. */
export const storeAddress: Format<string> = {
  expects: 'a directory, or s3://bucket/prefix',
  parse(text) {
    return isBucket(text) ? text : directory.parse(text);
  },
};

export function isBucket(address: string): boolean {
  return S3.test(address);
}
