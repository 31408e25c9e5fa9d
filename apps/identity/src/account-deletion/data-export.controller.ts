import { type DataExport, DataExports, type CachedUser } from '#accounts';
import { Controller, Get, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { type FastifyReply } from 'fastify';
import { Audited } from '../audit-log/audited.js';
import { UsersOnly } from '../access/access.js';
import { CurrentUser } from '../access/current-user.js';
import { RateLimit, REQUEST_LIMITS } from '../rate-limits/rate-limit.js';

@ApiTags('account')
@Controller('auth')
export class DataExportController {
  constructor(private readonly exports: DataExports) {}

  @Get('export')
  @UsersOnly()
  @RateLimit(REQUEST_LIMITS.export)
  @Audited('account.exported')
  @ApiOperation({ summary: 'Export all data about your account as a file' })
  @ApiOkResponse({
    description: 'The user, their sessions and so on: one member per kind of data. No secrets.',
    schema: {
      type: 'object',
      required: ['exported_at', 'user', 'sessions'],
      properties: {
        exported_at: { type: 'string', format: 'date-time' },
        user: { type: 'object', additionalProperties: true },
        sessions: { type: 'array', items: { type: 'object', additionalProperties: true } },
      },
      additionalProperties: true,
    },
  })
  async exportAccount(
    @CurrentUser() user: CachedUser,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<DataExport> {
    const document = await this.exports.of(user.id);
    void reply.header('content-disposition', 'attachment; filename="usher-export.json"');
    return document;
  }
}
