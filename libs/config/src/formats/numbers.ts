import { type Format, FormatError } from './format.js';
import ms from 'ms';

/** Decimal digits only: `1e3`, `0x10`, `+5` and `5.0` are more likely mistakes than numbers. */
export function wholeNumber(min: number, max: number, what = 'a whole number'): Format<number> {
  return {
    expects: `${what} from ${min} to ${max}`,
    parse(text) {
      if (!/^\d{1,15}$/.test(text)) throw new FormatError();
      const value = Number(text);
      if (value < min || value > max) throw new FormatError();
      return value;
    },
  };
}

/** A multiplier: decimal digits only, as for whole numbers, and at most three after the point. */
export const factor: Format<number> = {
  expects: 'a number from 0 to 1000000 with at most three decimals, such as 0.5 or 20',
  parse(text) {
    if (!/^\d{1,7}(\.\d{1,3})?$/.test(text)) throw new FormatError();
    const value = Number(text);
    if (value > 1_000_000) throw new FormatError();
    return value;
  },
};

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

const BARE_NUMBER = /^[-+]?[\d.]+$/;

/**
 * A duration as `ms` writes it (`5m`, `300s`, `200ms`), in milliseconds. A bare number is refused, because
 * `300` could mean seconds or milliseconds; only `0` needs no unit.
 */
export function duration(from: ms.StringValue, to: ms.StringValue): Format<number> {
  const [min, max] = [ms(from), ms(to)];
  return {
    expects: `a duration with its unit from ${from} to ${to}`,
    parse(text) {
      if (BARE_NUMBER.test(text) && Number(text) !== 0)
        throw new FormatError('the number has no unit, such as ms, s, m or h');

      // Despite its type, `ms` answers undefined to what it cannot read.
      const exact = ms(text as ms.StringValue) as number | undefined;
      if (exact === undefined) throw new FormatError();
      if (exact < min || exact > max) throw new FormatError();

      // `1.005s` is 1004.9999999999999 in floating point, and meant as 1005.
      const rounded = Math.abs(Math.round(exact));
      if (Math.abs(exact - rounded) > 1e-6) throw new FormatError('a millisecond is the finest step');
      return rounded;
    },
  };
}

/** The same in seconds, for what is written in whole seconds elsewhere, such as a token's `exp`. */
export function wholeSeconds(from: ms.StringValue, to: ms.StringValue): Format<number> {
  const finer = duration(from, to);
  return {
    expects: `${finer.expects}, in whole seconds`,
    parse(text) {
      const milliseconds = finer.parse(text);
      if (milliseconds % 1000 !== 0) throw new FormatError('a second is the finest step');
      return milliseconds / 1000;
    },
  };
}
