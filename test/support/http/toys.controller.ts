import { EventEmitter, once } from 'node:events';
import {
  Body,
  type CanActivate,
  Controller,
  Delete,
  Get,
  Header,
  HttpCode,
  Injectable,
  Param,
  Post,
  Query,
  ServiceUnavailableException,
  UseGuards,
} from '@nestjs/common';
import {
  ApiProblems,
  Consumes,
  Deadline,
  EmailField,
  AppError,
  FORM,
  PhoneField,
  QueryIntegerField,
  WithETag,
  TextField,
  UuidField,
} from '#http';
import { ApiBearer } from '../../../apps/identity/src/access/api-bearer.js';

class Toy {
  @EmailField()
  email!: string;

  @TextField({ max: 10, description: 'Name.', example: 'Ada', optional: true, nullable: true })
  name?: string | null;

  @PhoneField({ optional: true })
  phone?: string;
}

class ToyPath {
  @UuidField()
  id!: string;
}

class ToySearch {
  @QueryIntegerField({ min: 1, max: 100, description: 'How many.', optional: true })
  limit?: number;
}

class TokenForm {
  @TextField({ max: 20, description: 'Grant.' })
  grant_type!: string;
}

class TokenRevoked extends AppError {
  readonly code = 'auth.token_revoked';
}

class Busy extends Error {
  readonly code = 'auth.busy';
  readonly retryAfterSeconds = 2.4;
}

class UnsupportedGrant extends AppError {
  readonly code = 'auth.unsupported_grant_type';
  override readonly extensions = {
    error: 'unsupported_grant_type',
    error_description: 'Use password.',
    status: 'x',
  };
}

@Injectable()
class HangingGuard implements CanActivate {
  canActivate(): Promise<boolean> {
    return new Promise(() => {});
  }
}

/** Emits `entered` when a handler waits, and lets it go on at `open`. */
export const gate = new EventEmitter();

/** Routes that use every part of the HTTP adapter once. */
@Controller('toys')
export class ToysController {
  @Post()
  @ApiProblems(409, 422)
  make(@Body() toy: Toy): Toy {
    return toy;
  }

  @Get()
  search(@Query() search: ToySearch): ToySearch {
    return search;
  }

  @Get('kept')
  @WithETag()
  kept(): { kept: string } {
    return { kept: 'é' };
  }

  @Get('open')
  @Header('Cache-Control', 'public, max-age=60')
  open(): { open: true } {
    return { open: true };
  }

  @Get('boom')
  boom(): never {
    throw Object.assign(new Error('SELECT secret_hash FROM users\n{"level":30,"msg":"forged"}'), {
      query: 'SELECT secret_hash',
      parameters: ['$2b$12$hash'],
    });
  }

  @Get('revoked')
  revoked(): never {
    throw new TokenRevoked('The session "has" ended.');
  }

  @Get('busy')
  busy(): never {
    throw new Busy('Later.');
  }

  @Get('sick')
  sick(): never {
    throw new ServiceUnavailableException({ status: 'error', details: { database: { status: 'down' } } });
  }

  @Get('hanging')
  @Deadline(60)
  @UseGuards(HangingGuard)
  hanging(): string {
    return 'never';
  }

  @Get('late')
  @Deadline(60)
  async late(): Promise<{ late: true }> {
    const opened = once(gate, 'open');
    gate.emit('entered');
    await opened;
    return { late: true };
  }

  @Post('token')
  @HttpCode(200)
  @Consumes(FORM)
  token(@Body() form: TokenForm): TokenForm {
    if (form.grant_type === 'magic') throw new UnsupportedGrant('Grant not known.');
    return form;
  }

  @Get(':id')
  @ApiBearer()
  one(@Param() { id }: ToyPath): ToyPath {
    return { id };
  }

  @Delete(':id')
  @HttpCode(204)
  remove(@Param() _path: ToyPath): void {}
}
