import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { WithETag } from '#http';
import { Public } from '../../access/access.js';
import { JsonWebKeySet } from './json-web-key-set.js';
import { JWKS_MAX_AGE_SECONDS } from './rotation-times.js';
import { SigningKeys } from './signing-keys.js';

@ApiTags('services')
@Controller('.well-known')
@Public()
export class JwksController {
  constructor(private readonly keys: SigningKeys) {}

  @Get('jwks.json')
  @WithETag({ cacheControl: `public, max-age=${JWKS_MAX_AGE_SECONDS}` })
  @ApiOperation({ summary: 'The public keys that access tokens are verified with (RFC 7517)' })
  @ApiOkResponse({
    type: JsonWebKeySet,
    description: 'The key that signs first, then those that will sign or have signed; none with HS256.',
  })
  getJwks(): JsonWebKeySet {
    return JsonWebKeySet.of(this.keys.all());
  }
}
