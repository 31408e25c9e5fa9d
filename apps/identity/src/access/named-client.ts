import { type FastifyRequest } from 'fastify';
import { clientAddress, InvalidInput } from '#http';

/** In which a service with the privilege `login` names the address of its client. From anyone else it is ignored. */
export const CLIENT_ADDRESS_HEADER = 'usher-client-address';

/** An IPv6 address in brackets with a zone and a port is shorter. */
const MAX_CHARACTERS = 100;

/**
 * The IP address that the header names; `undefined` without the header.
 *
 * @throws InvalidInput for anything else: counted as it stands, each misspelt client would be one of its own
 */
export function namedClient({ headers }: FastifyRequest): string | undefined {
  const text = headers[CLIENT_ADDRESS_HEADER];
  if (text === undefined) return undefined;
  const address = typeof text === 'string' && text.length <= MAX_CHARACTERS ? clientAddress(text) : null;
  if (address !== null) return address;
  throw new InvalidInput([
    { loc: ['header', CLIENT_ADDRESS_HEADER], msg: 'Input should be one IP address', type: 'ip_address' },
  ]);
}
