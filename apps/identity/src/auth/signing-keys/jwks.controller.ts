import { createHash } from 'node:crypto';
import { Controller, Get, Headers, Res } from '@nestjs/common';
import { ApiHeader, ApiOkResponse, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { type FastifyReply } from 'fastify';
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
  @ApiOperation({ summary: 'The public keys that access tokens are verified with (RFC 7517)' })
  @ApiHeader({ name: 'If-None-Match', required: false, description: 'The ETag of an earlier answer.' })
  @ApiOkResponse({
    type: JsonWebKeySet,
    description: 'The key that signs first, then those that will sign or have signed; none with HS256.',
  })
  @ApiResponse({ status: 304, description: 'Nothing has changed.' })
  getJwks(
    @Headers('if-none-match') ifNoneMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): JsonWebKeySet | undefined {
    const set = JsonWebKeySet.of(this.keys.all());
    const etag = `"${createHash('sha256').update(JSON.stringify(set)).digest('base64url')}"`;
    void reply.headers({ etag, 'cache-control': `public, max-age=${JWKS_MAX_AGE_SECONDS}` });
    if (!ifNoneMatch?.includes(etag)) return set;
    void reply.code(304);
    return undefined;
  }
}
