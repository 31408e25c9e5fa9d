import { type Format, Misfit } from './format.js';

const NAME = /^[a-z0-9-]{1,32}$/;

// RFC 6750, section 2.1: what can stand after `Authorization: Bearer`.
const BEARER = /^[A-Za-z0-9\-._~+/]+=*$/;

const MIN_CHARACTERS = 32;

/** `name=token,name2=token2`: the tokens by the name of the service that presents them. */
export const serviceTokens: Format<ReadonlyMap<string, string>> = {
  expects:
    'a comma-separated list of name=token; names of 1 to 32 characters a-z, 0-9 and -, ' +
    `tokens of at least ${MIN_CHARACTERS} characters A-Z, a-z, 0-9 and -._~+/ (= at the end)`,
  parse(text) {
    const tokens = new Map<string, string>();
    if (text === '') return tokens;

    for (const [index, item] of text.split(',').entries()) {
      // By position, never by name: in a list that is written wrongly the name may be a token.
      const place = `item ${index + 1}`;
      const [name, token] = nameAndToken(item.trim());
      if (!NAME.test(name)) throw new Misfit(`${place} has no good name`);
      if (!BEARER.test(token)) throw new Misfit(`${place} has no good token`);
      if (token.length < MIN_CHARACTERS) throw new Misfit(`the token of ${place} is too short`);
      if (tokens.has(name)) throw new Misfit(`${place} has the name of another`);
      if ([...tokens.values()].includes(token)) throw new Misfit(`${place} has the token of another`);
      tokens.set(name, token);
    }
    return tokens;
  },
};

/** Cut at the first `=`, because base64 ends a token with its own. */
function nameAndToken(item: string): [name: string, token: string] {
  const cut = item.indexOf('=');
  return cut === -1 ? [item, ''] : [item.slice(0, cut), item.slice(cut + 1)];
}
