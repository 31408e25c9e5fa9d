import { Settings } from '#config';
import { Controller, Get, Header } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems } from '#http';
import { Public } from '../../access/access.js';
import { ServerMetadata } from './server-metadata.js';

@ApiTags('services')
@Controller('.well-known')
@Public()
export class ServerMetadataController {
  constructor(private readonly settings: Settings) {}

  @Get('oauth-authorization-server')
  @Header('Cache-Control', 'public, max-age=300')
  @ApiOperation({ summary: 'Where OAuth clients find what there is for them (RFC 8414)' })
  @ApiOkResponse({ type: ServerMetadata, description: 'The endpoints, and what they take.' })
  @ApiProblems('auth.no_server_metadata')
  getServerMetadata(): ServerMetadata {
    return ServerMetadata.of(this.settings);
  }
}
