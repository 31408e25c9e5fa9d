import { type Format, FormatError } from './format.js';

/** A path. A URL is refused: it would mean a kind of store that does not exist. */
export const directory: Format<string> = {
  expects: 'a directory',
  parse(text) {
    if (text.trim() === '') throw new FormatError('it is blank');
    if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) throw new FormatError('it is a URL');
    return text;
  },
};

// A bucket's name as S3 allows it, and folders that need no encoding and are none of . and ..
const S3 = /^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._-]+)*\/?$/;

/** A directory, or a bucket with a prefix. */
export const storeAddress: Format<string> = {
  expects: 'a directory, or s3://bucket/prefix',
  parse(text) {
    return isBucket(text) ? text : directory.parse(text);
  },
};

export function isBucket(address: string): boolean {
  return S3.test(address);
}
