import { type Format, FormatError } from './format.js';

const UNITS = { '': 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 };

const SIZE = /^(\d{1,15}) ?(|kb|mb|gb)$/;

/** `64mb`, `512kb`, `1gb` (powers of 1024), or a bare number of bytes. */
export function byteSize(from: string, to: string): Format<number> {
  const [min, max] = [bytesIn(from), bytesIn(to)];
  return {
    expects: `a size in kb, mb or gb (without a unit: bytes), from ${from} to ${to}, such as 64mb`,
    parse(text) {
      const bytes = bytesIn(text);
      if (bytes < min || bytes > max) throw new FormatError();
      return bytes;
    },
  };
}

function bytesIn(text: string): number {
  const match = SIZE.exec(text.toLowerCase());
  if (!match) throw new FormatError();
  return Number(match[1]) * UNITS[match[2] as keyof typeof UNITS];
}
