import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProperty, ApiTags } from '@nestjs/swagger';
import { WithETag } from '#http';
import { Public } from '../../access/access.js';
import { JWKS_MAX_AGE_SECONDS } from './rotation-times.js';
import { SigningKeys } from './signing-keys.js';
import { type SigningKey } from './signing-key.js';

/** A public key (RFC 7517, RFC 7518 section 6.2.1). An allow-list: only these members are published. */
export class PublicJsonWebKey {
  @ApiProperty({ enum: ['EC'] })
  kty!: 'EC';

  @ApiProperty({ enum: ['sig'] })
  use!: 'sig';

  @ApiProperty({ enum: ['ES256'] })
  alg!: 'ES256';

  @ApiProperty({ description: 'The thumbprint of the key (RFC 7638); tokens name it in their header.' })
  kid!: string;

  @ApiProperty({ enum: ['P-256'] })
  crv!: 'P-256';

  @ApiProperty()
  x!: string;

  @ApiProperty()
  y!: string;
}

export class JsonWebKeySet {
  @ApiProperty({ type: [PublicJsonWebKey] })
  keys!: PublicJsonWebKey[];

  /** Secrets have no public part and are omitted. */
  static of(keys: Iterable<SigningKey>): JsonWebKeySet {
    return { keys: [...keys].filter(({ algorithm }) => algorithm === 'ES256').map(publicPart) };
  }
}

@ApiTags('services')
@Controller('.well-known')
@Public()
export class JwksController {
  constructor(private readonly keys: SigningKeys) {}

  @Get('jwks.json')
  @WithETag({ cacheControl: `public, max-age=${JWKS_MAX_AGE_SECONDS}` })
  @ApiOperation({ summary: 'Get the public keys that verify access tokens (RFC 7517)' })
  @ApiOkResponse({
    type: JsonWebKeySet,
    description: 'The signing key first, then later and earlier ones; none with HS256.',
  })
  getJwks(): JsonWebKeySet {
    return JsonWebKeySet.of(this.keys.all());
  }
}

function publicPart({ kid, verifyWith }: SigningKey): PublicJsonWebKey {
  const { x, y } = verifyWith.export({ format: 'jwk' }) as { x: string; y: string };
  return { kty: 'EC', use: 'sig', alg: 'ES256', kid, crv: 'P-256', x, y };
}
