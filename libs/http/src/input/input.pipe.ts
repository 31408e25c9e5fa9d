import { type ArgumentMetadata, Injectable, ValidationPipe } from '@nestjs/common';
import { type ValidationError, type ValidatorOptions } from 'class-validator';
import { InvalidInput } from '../errors/request-errors.js';
import { type FieldError } from '../errors/app-error.js';

const IGNORED = 'usher:unknown-fields-ignored';

/** For classes of a protocol that ignores unknown fields. Elsewhere an unknown field is likely misspelt, and refused. */
export function UnknownFieldsIgnored(): ClassDecorator {
  return (target) => Reflect.defineMetadata(IGNORED, true, target);
}

function ignoresUnknownFields(value: object): boolean {
  return Reflect.hasMetadata(IGNORED, value.constructor);
}

/** One short body can break thousands of rules. */
const MAX_ERRORS = 50;

/** Checks bodies, queries and paths with class-validator: unknown fields are refused, nothing is converted. */
@Injectable()
export class InputPipe extends ValidationPipe {
  constructor() {
    super({
      transform: true,
      whitelist: true,
      forbidNonWhitelisted: true,
      forbidUnknownValues: true,
      stopAtFirstError: false,
      // The value tells a missing field from a null one; `fieldErrors` never shows it.
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
    // An absent body would pass where no field is required; every route that has a body requires it.
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

/** `exceptionFactory` is not told whether body, query or path was checked; `transform` knows. */
class Findings extends Error {
  constructor(readonly findings: readonly ValidationError[]) {
    super('invalid input');
  }
}

function isObjectOrAbsent(value: unknown): boolean {
  return value === undefined || (typeof value === 'object' && value !== null && !Array.isArray(value));
}

/** class-validator's findings in FastAPI's shape, parents before children. */
function fieldErrors(findings: readonly ValidationError[], parent: FieldError['loc']): FieldError[] {
  return findings.flatMap((finding) => {
    const loc = [...parent, /^\d+$/.test(finding.property) ? Number(finding.property) : finding.property];
    return [...ownErrors(finding, loc), ...fieldErrors(finding.children ?? [], loc)];
  });
}

function ownErrors({ constraints, value }: ValidationError, loc: FieldError['loc']): FieldError[] {
  if (!constraints) return [];
  if (value === undefined) return [{ loc, msg: 'Field required', type: 'missing' }];

  // The fields' rules have the error type as their name. class-validator's only own rule here is the one for unknown fields.
  const errors = Object.entries(constraints).map(([type, msg]) =>
    type === 'whitelistValidation'
      ? { loc, msg: 'Unknown field', type: 'extra_forbidden' }
      : { loc, msg, type },
  );
  // A value of the wrong type breaks the other rules too; report only the type.
  const ofType = errors.find(({ type }) => type.endsWith('_type'));
  return ofType ? [ofType] : errors;
}
