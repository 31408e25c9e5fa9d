import { type ArgumentMetadata, Injectable, ValidationPipe } from '@nestjs/common';
import { type ValidationError, type ValidatorOptions } from 'class-validator';
import { fieldErrors } from './field-errors.js';
import { InvalidInput } from './invalid-input.js';
import { ignoresUnknownFields } from './unknown-fields-ignored.js';

/** One short body can break thousands of rules; nobody reads on. */
const MAX_ERRORS = 50;

/** Class-validator over bodies, queries and paths: what the class does not name is refused, nothing is converted. */
@Injectable()
export class InputPipe extends ValidationPipe {
  constructor() {
    super({
      transform: true,
      whitelist: true,
      forbidNonWhitelisted: true,
      forbidUnknownValues: true,
      stopAtFirstError: false,
      // Findings keep the value, which tells a missing field from a null one; `fieldErrors` never shows it.
      validationError: { target: false, value: true },
      exceptionFactory: (findings) => new Findings(findings),
    });
  }

  protected override validate(
    value: object,
    options?: ValidatorOptions,
  ): Promise<ValidationError[]> | ValidationError[] {
    return super.validate(value, { ...options, forbidNonWhitelisted: !ignoresUnknownFields(value) });
  }

  override async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    const place = metadata.type === 'param' ? 'path' : metadata.type;
    if (this.toValidate(metadata) && !isObjectOrAbsent(value)) {
      throw new InvalidInput([{ loc: [place], msg: 'Input should be an object', type: 'object_type' }]);
    }
    const checked = await this.checked(value, metadata, place);
    // Where no field is required, an absent body would pass; no route has a body that it can do without.
    if (place === 'body' && value === undefined && this.toValidate(metadata)) {
      throw new InvalidInput([{ loc: ['body'], msg: 'Body required', type: 'missing' }]);
    }
    return checked;
  }

  private async checked(value: unknown, metadata: ArgumentMetadata, place: string): Promise<unknown> {
    try {
      return (await super.transform(value, metadata)) as unknown;
    } catch (error) {
      if (!(error instanceof Findings)) throw error;
      throw new InvalidInput(fieldErrors(error.findings, [place]).slice(0, MAX_ERRORS));
    }
  }
}

/** The pipe's factory does not learn whether body, query or path was checked; `transform` knows. */
class Findings extends Error {
  constructor(readonly findings: readonly ValidationError[]) {
    super('invalid input');
  }
}

function isObjectOrAbsent(value: unknown): boolean {
  return value === undefined || (typeof value === 'object' && value !== null && !Array.isArray(value));
}
