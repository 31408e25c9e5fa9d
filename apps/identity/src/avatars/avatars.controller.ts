import { AvatarFiles } from '#storage';
import { type CachedUser } from '#accounts';
import { Controller, Delete, Get, HttpCode, Param, Post, Req, Res } from '@nestjs/common';
import {
  ApiBody,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiResponse,
  ApiTags,
} from '@nestjs/swagger';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { Audited } from '../audit-log/audited.js';
import { Public, Scope, UsersOnly } from '../access/access.js';
import { CurrentUser } from '../access/current-user.js';
import { UserResponse } from '../auth/profile/profile.js';
import { ApiProblems, Consumes, Deadline, isAnswered, NotFound } from '#http';
import { RateLimit, REQUEST_LIMITS } from '../rate-limits/rate-limit.js';
import { AvatarUpload } from './avatar-upload.js';
import { AvatarsService } from './avatars.service.js';
import { sendImmutable } from './send-forever.js';
import { MULTIPART, Uploads } from './upload/uploads.js';

/** Ten seconds for the picture to arrive, after which the server cuts the connection, and some to decode it. */
const UPLOAD_DEADLINE_MS = 15_000;

@Controller()
export class AvatarsController {
  constructor(
    private readonly avatars: AvatarsService,
    private readonly uploads: Uploads,
    private readonly files: AvatarFiles,
  ) {}

  @Post('auth/upload-avatar')
  @RateLimit(REQUEST_LIMITS.profile)
  @UsersOnly()
  @Audited('account.avatar_changed')
  @Scope('profile:write')
  @HttpCode(200)
  @Consumes(MULTIPART)
  @Deadline(UPLOAD_DEADLINE_MS)
  @ApiTags('account')
  @ApiOperation({
    summary: 'Change the own picture',
    description:
      'It is made upright, square and 512 pixels wide, without metadata, and served where `avatar_url` says. With 128 ' +
      'in place of 512 that address has a smaller one.',
  })
  @ApiBody({ type: AvatarUpload })
  @ApiOkResponse({ type: UserResponse, description: 'The user as they are now.' })
  @ApiProblems(
    'request.invalid_multipart',
    'request.duplicate_field',
    'avatars.too_large',
    'request.unsupported_media_type',
    'request.validation',
    'avatars.not_a_picture',
    'avatars.broken_picture',
    'avatars.too_many_pixels',
    'avatars.busy',
    'storage.unavailable',
  )
  async uploadAvatar(
    @CurrentUser() user: CachedUser,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<UserResponse> {
    // By the deadline, or because the client has gone.
    const isAwaited = (): boolean => !isAnswered(reply) && !reply.raw.destroyed;
    return UserResponse.of(
      await this.uploads.receive({ request, reply }, user.id, (file) =>
        this.avatars.change(user, file, isAwaited),
      ),
    );
  }

  @Delete('auth/avatar')
  @RateLimit(REQUEST_LIMITS.profile)
  @UsersOnly()
  @Audited('account.avatar_changed')
  @Scope('profile:write')
  @HttpCode(204)
  @ApiTags('account')
  @ApiOperation({ summary: 'Remove the own picture' })
  @ApiNoContentResponse({ description: 'There is no picture any more.' })
  @ApiProblems('storage.unavailable')
  async deleteAvatar(@CurrentUser() user: CachedUser): Promise<void> {
    await this.avatars.remove(user);
  }

  @Get('avatars/:name')
  @Public()
  @ApiTags('users')
  @ApiOperation({ summary: 'A picture' })
  @ApiParam({
    name: 'name',
    description: 'As in `avatar_url`.',
    example: '7f3c9b0a5d1e4f28a6b7c8d9e0f10213-512.webp',
    schema: { type: 'string' },
  })
  @ApiResponse({
    status: 200,
    description: 'The picture. It never changes: another one has another address.',
    content: { 'image/webp': { schema: { type: 'string', format: 'binary' } } },
  })
  @ApiResponse({ status: 304, description: 'The `ETag` in `If-None-Match` is the one that it has.' })
  @ApiProblems('not_found', 'storage.unavailable')
  async getAvatar(
    @Param('name') name: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const picture = await this.files.read(name);
    if (!picture) throw new NotFound('There is no such picture.');
    sendImmutable(request, reply, { bytes: picture, type: 'image/webp', name, etag: `"${name}"` });
  }
}
