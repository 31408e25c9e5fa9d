import { routeConfig } from './route-config.js';

/**
 * A route of a protocol with faults of its own. Not a filter at the route, which would not see what the parsers throw
 * before it is entered.
 *
 * @param mapError the fault as the protocol has it; the error itself when it has none for it
 */
export function MapErrors(mapError: (error: unknown) => unknown): MethodDecorator {
  return routeConfig({ mapError });
}
