import ms from 'ms';
import { type Format, FormatError } from './format.js';

const BARE_NUMBER = /^[-+]?[\d.]+$/;

/**
 * A duration as `ms` writes it (`5m`, `300s`, `200ms`), in milliseconds. A bare number is refused, because nobody
 * can tell whether `300` was meant in seconds or milliseconds; only `0` needs no unit.
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
